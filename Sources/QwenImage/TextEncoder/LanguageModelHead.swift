import TensorCore
import Weights

/// The matrix that turns hidden states into logits, in parts: as a whole it is larger than any block, and it is needed
/// for each token of a caption.
final class LanguageModelHead {
    private let parts: BlockStore<Linear>
    private let rowsByPart: [Range<Int>]
    private let backend: any Backend

    /// Rows of a part at most: 75 MB in the published model.
    private static let partRows = 10_240

    /// - Parameters:
    ///   - matrix: [vocabulary, hidden], as the checkpoint has it.
    ///   - location: what messages call the checkpoint.
    init(_ matrix: HostTensor, location: String, offload: OffloadManager) {
        let count = matrix.shape[0]
        let rowsByPart = stride(from: 0, to: count, by: Self.partRows).map { $0..<min($0 + Self.partRows, count) }
        self.rowsByPart = rowsByPart
        let backend = offload.root(of: .textEncoder)
        self.backend = backend
        let source = MatrixParts(matrix: matrix, rowsByPart: rowsByPart, location: location)
        parts = BlockStore(
            .languageModelHead, count: rowsByPart.count, in: WeightScope(source: source, backend: backend),
            manager: offload
        ) { (scope, index) throws(WeightsError) in
            try scope.linear(inFeatures: matrix.shape[1], outFeatures: rowsByPart[index].count, bias: false)
        }
    }

    /// Logits [1, vocabulary] float32 of one normed row [1, hidden] of hidden states.
    ///
    /// - Parameter continues: true if another row follows.
    func callAsFunction(_ row: Tensor, continues: Bool) throws(WeightsError) -> Tensor {
        let count = rowsByPart.last?.upperBound ?? 0
        let logits = try WeightsError.converting { () throws(TensorError) in try backend.empty([count]) }
        for (index, rows) in rowsByPart.enumerated() {
            try parts.withWeights(of: index, continues: continues) { (part) throws(TensorError) in
                _ = try backend.linear(row, part, into: logits.rows(rows).reshaped([1, rows.count]))
            }
        }
        return logits.reshaped([1, count])
    }
}

/// A matrix as a source of its parts, called `0.weight`, `1.weight` and so on.
private struct MatrixParts: TensorSource {
    let matrix: HostTensor
    let rowsByPart: [Range<Int>]
    let location: String

    var names: [String] { rowsByPart.indices.map(Self.name).sorted() }

    func contains(_ name: String) -> Bool { rows(name) != nil }

    func tensor(named name: String) throws(WeightsError) -> HostTensor {
        guard let rows = rows(name) else { throw .tensorMissing(tensor: name, file: location) }
        return matrix.rows(rows)
    }

    private static func name(_ part: Int) -> String { "\(part).weight" }

    private func rows(_ name: String) -> Range<Int>? {
        rowsByPart.indices.first { Self.name($0) == name }.map { rowsByPart[$0] }
    }
}
