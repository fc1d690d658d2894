/// Bytes that wait to be sent, in pieces that are let go as they are done.
struct OutputQueue {
    private var pieces: [[UInt8]] = []
    private var index = 0
    private var offset = 0
    /// Bytes not sent yet.
    private(set) var byteCount = 0

    var isEmpty: Bool { byteCount == 0 }

    mutating func append(_ added: [[UInt8]]) {
        for piece in added where !piece.isEmpty {
            pieces.append(piece)
            byteCount += piece.count
        }
    }

    /// Sends what the socket takes now. False if the connection is broken; `sent` counts the bytes.
    mutating func flush(to socket: Socket, sent: inout Int) -> Bool {
        while index < pieces.count {
            switch socket.write(pieces[index], from: offset, moreFollows: index + 1 < pieces.count) {
            case .bytes(let count):
                sent += count
                byteCount -= count
                offset += count
                if offset == pieces[index].count {
                    pieces[index] = []
                    index += 1
                    offset = 0
                }
            case .wouldBlock: return true
            case .end, .failed: return false
            }
        }
        pieces.removeAll(keepingCapacity: true)
        index = 0
        return true
    }
}
