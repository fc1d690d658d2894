/// What can go wrong on a backend although our own code is right: the world ran out of something.
public enum TensorError: Error, Sendable, Equatable, CustomStringConvertible {
    /// An allocation does not fit. `limitBytes` is the budget, or nil if the system itself refused.
    case outOfMemory(operation: String, neededBytes: Int, usedBytes: Int, limitBytes: Int?)
    /// The backend cannot compute with this element type.
    case unsupportedDType(operation: String, dtype: DType)
    /// The backend has no attention for heads of so many elements.
    case headTooLarge(device: String, size: Int, limit: Int)
    /// A scale of a quantised matrix is no finite number: every product with it would be NaN.
    case scaleNotFinite(index: Int)
    /// A row of a matrix that is to be rounded to few bits holds an infinity or NaN, to which no scale can be found.
    case valueNotFinite(row: Int)
    /// What came out of a part of the model is no number.
    case notANumber(operation: String)
    /// A call to the device's driver or libraries failed; the next may succeed.
    case device(device: String, call: String, code: Int, problem: String)
    /// An earlier failure has ended the device's context: everything on it is gone, and a new backend must be made.
    case deviceLost(device: String)
    /// A device was lost, and this process cannot have it again: another one may.
    case deviceUnusable(device: String, problem: String)
    /// A tensor that lies on another device reached an operation; it must be transferred first.
    case wrongDevice(operation: String, device: String, found: String)
    /// The work was cancelled between two operations.
    case cancelled

    public var description: String {
        switch self {
        case .outOfMemory(let operation, let needed, let used, let limit):
            let bound = limit.map { "the limit is \(ByteCount($0))" } ?? "the system has no more"
            return "out of memory in \(operation): \(ByteCount(needed)) more are needed, \(ByteCount(used)) are in use,"
                + " \(bound); ask for a lower resolution or fewer layers"
        case .unsupportedDType(let operation, let dtype):
            return "\(operation) cannot compute with \(dtype.rawValue)"
        case .headTooLarge(let device, let size, let limit):
            return "attention on \(device) has heads of at most \(limit) elements, and the model's have \(size)"
        case .scaleNotFinite(let index):
            return "the scale \(index) of a quantised matrix is not a finite number"
        case .valueNotFinite(let row):
            return
                "row \(row) of a matrix holds a value that is not a finite number, and cannot be rounded to few bits"
        case .notANumber(let operation):
            return "\(operation) gave values that are no numbers: the weights, or a LoRA's, are damaged, or too large"
                + " for what they are computed in"
        case .device(let device, let call, let code, let problem):
            return "\(device): \(call) answered \(code) (\(problem))"
        case .deviceLost(let device):
            return "\(device) was lost by an earlier failure; it is opened anew for the next job"
        case .deviceUnusable(let device, let problem):
            return "\(device) was lost and is of no use to this process any more: \(problem); start it again"
        case .wrongDevice(let operation, let device, let found):
            return "\(operation) on \(device) was given a tensor that lies on \(found)"
        case .cancelled:
            return "cancelled"
        }
    }
}
