import QwenImage
import TensorCore

/// Keeps what a run shows; a name that comes again is continued along
/// the first axis, so that layers and images lie one after another.
final class RecordingObserver: TensorObserver {
    private let backend: any Backend
    private(set) var values: [String: [Float]] = [:]
    private(set) var shapes: [String: Shape] = [:]

    init(_ backend: any Backend) {
        self.backend = backend
    }

    func record(_ name: String, _ tensor: Tensor) throws(TensorError) {
        values[name, default: []] += try backend.download(tensor)
        let earlier = shapes[name]?[0] ?? 0
        shapes[name] = Shape([earlier + tensor.shape[0]] + tensor.shape.dimensions.dropFirst())
    }
}

/// `‖found - expected‖ / ‖expected‖`, in double precision.
func relativeError(_ found: [Float], _ expected: [Float]) -> Double {
    guard found.count == expected.count else { return .infinity }
    var difference = 0.0
    var norm = 0.0
    for (a, b) in zip(found, expected) {
        difference += Double(a - b) * Double(a - b)
        norm += Double(b) * Double(b)
    }
    return (difference / max(norm, .leastNormalMagnitude)).squareRoot()
}
