import QwenImage
import TensorCore

/// Keeps what passes from stage to stage in one run, and compares that of another run with it.
final class StageErrors: TensorObserver {
    private let backend: any Backend
    private let reference: StageErrors?
    private var keepBytes: Int
    /// The first run's values by name, in the order in which they came.
    private var kept: [String: [[Float]]] = [:]
    private var counts: [String: Int] = [:]
    /// Names in the order in which they first came, with sums of squares over all of their tensors.
    private var order: [String] = []
    private var sums: [String: (difference: Double, square: Double)] = [:]

    /// A run to compare others with; of more than `keepBytes` the rest is left out.
    init(backend: any Backend, keepBytes: Int) {
        self.backend = backend
        self.keepBytes = keepBytes
        reference = nil
    }

    /// A run that is compared.
    init(backend: any Backend, comparedWith reference: StageErrors) {
        self.backend = backend
        self.reference = reference
        keepBytes = 0
    }

    /// By stage, `‖found - reference‖ / ‖reference‖`.
    var errors: [(stage: String, relative: Double)] {
        order.compactMap { name in
            sums[name].map { (name, $0.square > 0 ? ($0.difference / $0.square).squareRoot() : 0) }
        }
    }

    func record(_ name: String, _ tensor: Tensor) throws(TensorError) {
        guard let reference else {
            keepBytes -= tensor.byteCount
            // Once something is left out, all that follows under its name is.
            guard keepBytes >= 0 else { return }
            kept[name, default: []].append(try backend.download(tensor))
            return
        }
        let index = counts[name, default: 0]
        counts[name] = index + 1
        guard let known = reference.kept[name], index < known.count else { return }
        let values = try backend.download(tensor)
        guard values.count == known[index].count else { return }
        if sums[name] == nil { order.append(name) }
        var sum = sums[name] ?? (0, 0)
        for (found, wanted) in zip(values, known[index]) {
            let distance = Double(found) - Double(wanted)
            sum.difference += distance * distance
            sum.square += Double(wanted) * Double(wanted)
        }
        sums[name] = sum
    }
}
