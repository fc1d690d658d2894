import CFuzzer
import HTTPProtocol
@testable import ServiceAPI

/// The input is a request for layers, head and body: fields, query, form, JSON and base64 are read as far as they are
/// before a job is made, and in OpenAI's shape too.
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
        if let envelope = try? LayerRequest.Envelope(head, answersWithResult: true),
            let request = try? LayerRequest(envelope, body: body)
        {
            precondition(request.picture.count <= body.count)
        }
        if let edit = try? ImageEditRequest(head, body: body, modelName: "seedling") {
            precondition(edit.request.picture.count <= body.count)
        }
    }
}
