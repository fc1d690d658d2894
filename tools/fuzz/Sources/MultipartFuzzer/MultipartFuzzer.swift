import CFuzzer
import HTTPProtocol

/// The input is a `Content-Type`, an empty line (LF LF) and the body.
@main
enum MultipartFuzzer {
    static func main() {
        fuzz_run(CommandLine.argc, CommandLine.unsafeArgv) { bytes, count in
            guard let bytes, count > 1 else { return 0 }
            MultipartFuzzer.parse(Array(UnsafeBufferPointer(start: bytes, count: count)))
            return 0
        }
    }

    private static func parse(_ input: [UInt8]) {
        let separator = input.indices.dropLast().first { input[$0] == 10 && input[$0 + 1] == 10 } ?? input.count
        guard let type = MediaType(input[..<separator]) else { return }
        let body = input[min(separator + 2, input.count)...]
        guard let parts = try? MultipartParser.parse(body, mediaType: type) else { return }
        precondition(parts.count <= MultipartParser.largestPartCount)
        for part in parts {
            precondition(part.content.startIndex >= body.startIndex && part.content.endIndex <= body.endIndex)
            precondition(part.name.utf8.count <= MultipartParser.largestPartHeaderBytes)
        }
    }
}
