import CFuzzer
import HTTPProtocol
@testable import ServiceAPI

/// The input is a request for layers, head and body: query, form, JSON and picture as far as they are read before a job
/// is made.
@main
enum RequestFuzzer {
    static func main() {
        fuzz_run(CommandLine.argc, CommandLine.unsafeArgv) { bytes, count in
            guard let bytes, count > 1 else { return 0 }
            RequestFuzzer.read(Array(UnsafeBufferPointer(start: bytes, count: count)))
            return 0
        }
    }

    private static func read(_ input: [UInt8]) {
        var parser = RequestParser()
        parser.receive(input[...])
        guard case .head(let head)? = try? parser.next() else { return }
        var body: [UInt8] = []
        while case .body(let slice)? = try? parser.next() { body += slice }
        guard let request = try? LayerRequest(head, body: body) else { return }
        precondition(request.picture.count <= body.count)
    }
}
