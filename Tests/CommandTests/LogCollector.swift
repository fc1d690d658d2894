import Dispatch
import Foundation
import Synchronization

/// What another process writes, read as it comes: a pipe that nobody empties stops its writer.
final class LogCollector: Sendable {
    private let bytes = Mutex<[UInt8]>([])
    private let ended = DispatchGroup()

    /// Reads `pipe` to its end, on a thread of its own.
    init(_ pipe: Pipe) {
        let descriptor = pipe.fileHandleForReading.fileDescriptor
        ended.enter()
        Thread { [self] in
            // The pipe's, which is closed with it.
            let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: false)
            while case let data = file.availableData, !data.isEmpty { bytes.withLock { $0 += data } }
            ended.leave()
        }.start()
    }

    /// What has come so far.
    var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }

    /// All of it, once the writer has ended.
    func waitForEnd() -> String {
        ended.wait()
        return text
    }
}
