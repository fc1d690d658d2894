import CFuzzer
import HTTPProtocol

/// The first byte is the size of the pieces that the rest comes in, 0 for all at once. What the parser says must not
/// depend on it, and nothing may trap or go on for ever.
@main
enum HTTPFuzzer {
    /// More requests than the bytes of one input can hold would be made of nothing.
    private static let shortestRequest = 16

    static func main() {
        fuzz_run(CommandLine.argc, CommandLine.unsafeArgv) { bytes, count in
            guard let bytes, count > 1 else { return 0 }
            let input = Array(UnsafeBufferPointer(start: bytes, count: count))
            let whole = HTTPFuzzer.transcript(of: input[1...], pieceBytes: input.count)
            if input[0] > 0 {
                let pieces = HTTPFuzzer.transcript(of: input[1...], pieceBytes: Int(input[0]))
                precondition(whole == pieces, "whole: \(whole) in pieces of \(input[0]): \(pieces)")
            }
            return 0
        }
    }

    /// What happened, bodies joined.
    private static func transcript(of bytes: ArraySlice<UInt8>, pieceBytes: Int) -> [String] {
        var limits = RequestLimits()
        limits.bodyBytes = 1 << 20
        var parser = RequestParser(limits: limits)
        var lines: [String] = []
        var body: [UInt8] = []
        var rest = bytes
        do throws(RequestError) {
            while true {
                switch try parser.next() {
                case .needsMore:
                    if rest.isEmpty { return lines + ["wants more after \(body)"] }
                    parser.receive(rest.prefix(pieceBytes))
                    rest = rest.dropFirst(pieceBytes)
                case .head(let head):
                    lines.append(text(of: head))
                    precondition(lines.count <= bytes.count / shortestRequest + 1)
                case .body(let slice):
                    precondition(!slice.isEmpty)
                    body += slice
                    precondition(body.count <= limits.bodyBytes)
                case .end:
                    lines[lines.count - 1] += " body \(body)"
                    body = []
                }
            }
        } catch {
            return lines + ["\(error)"]
        }
    }

    /// Everything of a head that the service looks at, so that each of its readers sees the bytes too.
    private static func text(of head: RequestHead) -> String {
        let parameters = (try? PercentDecoder.parameters(of: head.target.query ?? [])) ?? []
        let accepted = AcceptField(head.fields).best(of: ["multipart/form-data", "application/zip", "application/json"])
        let type = head.fields.first("content-type").flatMap { MediaType($0) }
        return """
            \(head.method) \(head.target.pathSegments ?? []) \(parameters) \(head.version) \(head.fields.count) \
            \(head.framing) \(head.keepsAlive) \(head.expectsContinue) \(accepted ?? "-") \(type?.essence ?? "-")
            """
    }
}
