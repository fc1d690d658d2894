/// Bytes that wait to be sent: small ones joined in one buffer, large pieces as they are, let go when they are done.
struct OutputQueue {
    /// What has been joined so far; comes after `pieces`.
    private var joined: [UInt8] = []
    private var pieces: [[UInt8]] = []
    private var index = 0
    private var offset = 0
    /// Bytes not sent yet.
    private(set) var byteCount = 0

    /// Pieces up to this size are copied rather than sent by themselves.
    private static let joinedBytes = 16 * 1024
    private static let idleCapacityBytes = 4 * 1024

    var isEmpty: Bool { byteCount == 0 }

    /// Lets `write` append to the joined bytes.
    mutating func append(_ write: (inout [UInt8]) -> Void) {
        let before = joined.count
        write(&joined)
        byteCount += joined.count - before
    }

    mutating func append(_ piece: [UInt8]) {
        byteCount += piece.count
        if piece.count <= Self.joinedBytes {
            joined.append(contentsOf: piece)
        } else {
            seal()
            pieces.append(piece)
        }
    }

    private mutating func seal() {
        guard !joined.isEmpty else { return }
        pieces.append(joined)
        joined = []
    }

    /// Sends what the socket takes now. False if the connection is broken; `sent` counts the bytes.
    mutating func flush(to socket: Socket, sent: inout Int) -> Bool {
        if !pieces.isEmpty { seal() }
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
            case .wouldBlock, .wouldBlockTheOther: return true
            case .end, .failed: return false
            }
        }
        if index > 0 {
            pieces.removeAll(keepingCapacity: true)
            index = 0
        }
        return flushJoined(to: socket, sent: &sent)
    }

    private mutating func flushJoined(to socket: Socket, sent: inout Int) -> Bool {
        while offset < joined.count {
            switch socket.write(joined, from: offset, moreFollows: false) {
            case .bytes(let count):
                sent += count
                byteCount -= count
                offset += count
            case .wouldBlock, .wouldBlockTheOther:
                // A buffer that never runs empty must not keep all that ever went through it.
                if offset > Self.joinedBytes {
                    joined.removeSubrange(..<offset)
                    offset = 0
                }
                return true
            case .end, .failed: return false
            }
        }
        offset = 0
        if joined.capacity > Self.idleCapacityBytes { joined = [] } else { joined.removeAll(keepingCapacity: true) }
        return true
    }
}
