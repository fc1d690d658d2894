import HTTPProtocol

/// What a parser made of a stream of bytes, in a form that tests can compare.
struct Transcript: Equatable {
    struct Message: Equatable {
        var method: String
        var path: String
        var query: String?
        var body: [UInt8] = []
        var keepsAlive: Bool
        var expectsContinue: Bool
        var isComplete = false
    }

    var messages: [Message] = []
    var error: RequestError?
    var completeCount: Int { messages.count(where: \.isComplete) }

    /// Feeds `bytes` in pieces of `pieceSize`.
    init(_ bytes: [UInt8], pieceSize: Int, limits: RequestLimits = RequestLimits()) {
        var parser = RequestParser(limits: limits)
        var position = 0
        while error == nil {
            do {
                switch try parser.next() {
                case .needsMore:
                    if position == bytes.count { return }
                    let end = min(bytes.count, position + pieceSize)
                    parser.receive(bytes[position..<end])
                    position = end
                case .head(let head):
                    messages.append(
                        Message(
                            method: head.method, path: String(decoding: head.target.path, as: UTF8.self),
                            query: head.target.query.map { String(decoding: $0, as: UTF8.self) },
                            keepsAlive: head.keepsAlive, expectsContinue: head.expectsContinue))
                case .body(let slice): messages[messages.count - 1].body += slice
                case .end: messages[messages.count - 1].isComplete = true
                }
            } catch {
                self.error = error
            }
        }
    }

    /// The same result whole, in halves of every kind and byte by byte; else nil.
    static func consistent(_ bytes: [UInt8], limits: RequestLimits = RequestLimits()) -> Transcript? {
        let whole = Transcript(bytes, pieceSize: max(1, bytes.count), limits: limits)
        for pieceSize in [1, 2, 3, 7, 64] where Transcript(bytes, pieceSize: pieceSize, limits: limits) != whole {
            return nil
        }
        return whole
    }
}
