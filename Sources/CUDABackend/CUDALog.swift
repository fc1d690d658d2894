import Foundation
import Synchronization
import TensorCore

/// What NVIDIA's libraries refuse, on standard error, if `MICA_CUDA_LOG` is set: a way around it is taken silently
/// otherwise, and an error that shows later does not tell which operation it was.
enum CUDALog {
    private static let value = ProcessInfo.processInfo.environment["MICA_CUDA_LOG"]
    static let isOn = value != nil
    /// True for `MICA_CUDA_LOG=each`: the device is waited for after each operation, so that errors name it; what
    /// each took is told when a backend ends.
    static let waitsForEach = value == "each"

    private static let times = Mutex<[String: (count: Int, total: Duration)]>([:])
    /// So many lines of `reportTimes` at most, and so many kinds of operations are told apart.
    private static let linesLimit = 40
    private static let kindsLimit = 10_000

    /// Adds to what operations took, which are waited for.
    static func count(_ operation: String, _ duration: Duration) {
        times.withLock { times in
            guard times[operation] != nil || times.count < kindsLimit else { return }
            let known = times[operation] ?? (0, .zero)
            times[operation] = (known.count + 1, known.total + duration)
        }
    }

    /// The operations that took most, and forgets them.
    static func reportTimes() {
        let times = times.withLock { times in
            defer { times = [:] }
            return times
        }
        for (operation, time) in times.sorted(by: { $0.value.total > $1.value.total }).prefix(linesLimit) {
            note("\(time.count) times, \(time.total / .milliseconds(1)) ms: \(operation)")
        }
    }

    static func note(_ text: @autoclosure () -> String) {
        guard isOn else { return }
        FileHandle.standardError.write(Data("cuda: \(text())\n".utf8))
    }

    /// An operation's name, and its operands with the types in which they lie.
    static func describe(_ operation: TensorCore.Operation) -> String {
        let operands = operation.operands.map { tensor in
            "\(tensor.shape) \((tensor.storage as? CUDAStorage)?.elements.map { "\($0)" } ?? tensor.dtype.rawValue)"
        }
        return "\(operation.name)(\(operands.joined(separator: ", ")))"
    }
}
