/// Why no CUDA device can be used: one line for people.
public enum CUDAUnavailable: Error, Sendable, Equatable, CustomStringConvertible {
    /// A library is nowhere to be found; `reason` is the dynamic linker's last word.
    case libraryMissing(library: String, reason: String)
    /// A library is older than what Mica calls.
    case symbolsMissing(library: String, symbols: [String])
    /// The driver refuses to start.
    case driver(call: String, code: Int, problem: String)
    /// There is no such device.
    case noDevice(index: Int, count: Int)
    /// The device is older than any kernel of Mica's can be compiled for.
    case tooOld(device: String, capability: String, needed: String)

    public var description: String {
        switch self {
        case .libraryMissing(let library, let reason):
            "no CUDA: \(library) was not found (\(reason))"
        case .symbolsMissing(let library, let symbols):
            "no CUDA: \(library) is too old, it lacks \(symbols.joined(separator: ", "))"
        case .driver(let call, let code, let problem):
            "no CUDA: \(call) answered \(code) (\(problem))"
        case .noDevice(let index, let count):
            "no CUDA device \(index): the driver knows \(count)"
        case .tooOld(let device, let capability, let needed):
            "no CUDA: \(device) has compute capability \(capability), \(needed) is needed"
        }
    }
}
