/// Finds `CRLF--boundary` in a body.
///
/// A delimiter begins with CR and has no other CR in it, so a comparison that fails never has to step back: the search
/// looks at each byte once, whatever boundary and body an attacker picks.
struct DelimiterSearch {
    private let pattern: [UInt8]

    var count: Int { pattern.count }

    init(dashBoundary: [UInt8]) {
        precondition(!dashBoundary.contains(Octet.carriageReturn), "a boundary has no CR")
        pattern = [Octet.carriageReturn, Octet.lineFeed] + dashBoundary
    }

    /// The index of the first delimiter at or after `start`, or nil.
    func first(in body: ArraySlice<UInt8>, from start: Int) -> Int? {
        var position = start
        while position + pattern.count <= body.endIndex {
            var matched = 0
            while matched < pattern.count, body[position + matched] == pattern[matched] { matched += 1 }
            if matched == pattern.count { return position }
            position += max(1, matched)
        }
        return nil
    }
}
