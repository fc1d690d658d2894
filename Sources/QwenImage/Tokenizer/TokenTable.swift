/// The vocabulary: spellings to ids and back, compared byte by byte.
///
/// A dictionary of `String` would compare by canonical equivalence, which is wrong here, and hash slowly for it: the
/// spellings are not ASCII. All spellings lie in one array.
struct TokenTable: Sendable {
    private var spellings: [UInt8] = []
    /// Where each id's spelling lies; `start` is -1 for an id without a token.
    private var places: [(start: Int32, end: Int32)]
    /// Open addressing: id + 1, or 0 for a free slot; the count is a power of two, at most half full.
    private var slots: [Int32]
    /// The number of tokens.
    private(set) var count = 0

    /// Makes a table for `capacity` tokens with ids below `idLimit`.
    init(capacity: Int, idLimit: Int) {
        places = Array(repeating: (-1, -1), count: idLimit)
        var slotCount = 16
        while slotCount < capacity * 2 { slotCount *= 2 }
        slots = Array(repeating: 0, count: slotCount)
    }

    /// Adds a token; false if the spelling or the id is taken, or does not fit the table.
    mutating func insert(_ spelling: String, id: Int) -> Bool {
        guard places.indices.contains(id), places[id].start < 0, count * 2 < slots.count else { return false }
        let bytes = Array(spelling.utf8)
        let slot = slot(of: bytes)
        guard slots[slot] == 0, let start = Int32(exactly: spellings.count),
            let end = Int32(exactly: spellings.count + bytes.count)
        else { return false }
        spellings.append(contentsOf: bytes)
        places[id] = (start, end)
        slots[slot] = Int32(id) + 1
        count += 1
        return true
    }

    /// The id of a spelling given as UTF-8.
    func id(of spelling: [UInt8]) -> Int? {
        let found = slots[slot(of: spelling)]
        return found == 0 ? nil : Int(found) - 1
    }

    /// The spelling of an id.
    func spelling(of id: Int) -> String? {
        guard places.indices.contains(id), places[id].start >= 0 else { return nil }
        let place = places[id]
        return String(decoding: spellings[Int(place.start)..<Int(place.end)], as: UTF8.self)
    }

    /// The slot that holds a spelling, or the free one where it would go. Ends, as at least half the slots are free.
    private func slot(of spelling: [UInt8]) -> Int {
        // FNV-1a, 64 bits, folded: the low bits alone are weak for short keys.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in spelling { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash ^ (hash >> 32)) & mask
        while slots[slot] != 0, !isSpelt(Int(slots[slot]) - 1, spelling) { slot = (slot + 1) & mask }
        return slot
    }

    private func isSpelt(_ id: Int, _ spelling: [UInt8]) -> Bool {
        let start = Int(places[id].start)
        guard Int(places[id].end) - start == spelling.count else { return false }
        for offset in spelling.indices where spellings[start + offset] != spelling[offset] { return false }
        return true
    }
}
