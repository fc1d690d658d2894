import CFuzzer
import Foundation
import TensorCore
import Weights

/// The input is a GGUF file. Every tensor's last byte is read: all of them lie inside of the file.
@main
enum GGUFFuzzer {
    static func main() {
        fuzz_run(CommandLine.argc, CommandLine.unsafeArgv) { bytes, count in
            guard let bytes else { return 0 }
            GGUFFuzzer.open(Data(bytes: bytes, count: count))
            return 0
        }
    }

    /// In memory; one a process, several may run.
    private static let file = URL(fileURLWithPath: "/dev/shm/mica-fuzz-\(ProcessInfo.processInfo.processIdentifier)")

    private static func open(_ bytes: Data) {
        guard (try? bytes.write(to: file)) != nil else { return }
        guard let weights = try? GGUFFile(file: file) else { return }
        for name in weights.names {
            guard let tensor = try? weights.tensor(named: name) else { fatalError("\(name) is listed and not there") }
            let end = tensor.byteOffset + tensor.byteCount
            tensor.memory.withUnsafeBytes { precondition(end <= $0.count && (end == 0 || Int($0[end - 1]) >= 0)) }
        }
    }
}
