import CPUBackend
import Foundation
import TensorCore

/// How far converted matrices are from the originals: each, and by kind of layer.
struct QuantizationErrors {
    /// In the order in which they came.
    private(set) var layers: [(name: String, error: MatrixDistance)] = []

    mutating func add(_ name: String, _ error: MatrixDistance) {
        layers.append((name, error))
    }

    /// All matrices together.
    var all: MatrixDistance { layers.reduce(MatrixDistance()) { $0 + $1.error } }

    /// Layers of the same place in different blocks, together.
    struct Kind {
        /// `transformer.transformer_blocks.*.attn.to_q`.
        let name: String
        var count = 0
        var all = MatrixDistance()
        var worst = 0.0
    }

    /// By kind, in the order in which they first came.
    var kinds: [Kind] {
        var kinds: [Kind] = []
        var places: [String: Int] = [:]
        for layer in layers {
            let parts = layer.name.split(separator: ".").map { $0.allSatisfy(\.isNumber) ? "*" : String($0) }
            let name = parts.dropLast().joined(separator: ".")
            let place = places[name] ?? kinds.count
            if place == kinds.count { kinds.append(Kind(name: name)) }
            places[name] = place
            kinds[place].count += 1
            kinds[place].all = kinds[place].all + layer.error
            kinds[place].worst = max(kinds[place].worst, layer.error.relative)
        }
        return kinds
    }
}

/// What `mica quantize` tells when it is done.
struct QuantizeSummary {
    let output: String
    let form: WeightForm
    let matrices: Int
    let sourceBytes: Int
    let targetBytes: Int
    let seconds: Double
    let errors: QuantizationErrors?

    /// For a person.
    func text() -> String {
        let name = form.precision.rawValue + (form.isRotated ? ", rotated" : "")
        var lines = [
            output,
            "\(matrices) matrices in \(name): \(ByteCount(sourceBytes)) became \(ByteCount(targetBytes))"
                + String(format: " in %.1f s", seconds),
        ]
        if let errors {
            let rows = errors.kinds.map { kind in
                [
                    kind.name, "\(kind.count)", String(format: "%.5f", kind.all.relative),
                    String(format: "%.5f", kind.worst),
                ]
            }
            lines += ["", TextTable.text([["layer", "matrices", "relative error", "worst"]] + rows, leftColumns: 1)]
        }
        return lines.joined(separator: "\n")
    }

    /// For a program.
    func json() throws -> String {
        var object: [String: Any] = [
            "output": output, "precision": form.precision.rawValue, "hadamard": form.isRotated, "matrices": matrices,
            "source_bytes": sourceBytes, "target_bytes": targetBytes, "seconds": seconds,
            "peak_resident_bytes": ProcessMemory.peakResidentBytes ?? 0,
        ]
        if let errors {
            object["layers"] = errors.layers.map { ["name": $0.name, "relative_l2": $0.error.relative] }
        }
        let data = try JSONSerialization.data(
            withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        return String(decoding: data, as: UTF8.self)
    }
}
