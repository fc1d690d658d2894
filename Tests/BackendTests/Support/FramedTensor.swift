import TensorCore

/// A tensor in the middle of a larger one, so that what an operation writes beside it is seen.
struct FramedTensor {
    /// Floats before and after: no multiple of a vector, so that the view is misaligned for it.
    private static let margin = 7
    /// Stands in the margins; no operation computes it by chance.
    private static let sentinel: Float = -12345.679

    let tensor: Tensor
    private let whole: Tensor

    init(_ values: [Float], _ shape: Shape, on backend: any Backend) throws {
        let frame = [Float](repeating: Self.sentinel, count: Self.margin)
        whole = try backend.upload(frame + values + frame, [values.count + 2 * Self.margin])
        tensor = Tensor(storage: whole.storage, shape: shape, dtype: .float32, offset: Self.margin)
    }

    /// The values inside of the frame, or nil if the frame was written to.
    func read(from backend: any Backend) throws -> [Float]? {
        let all = try backend.download(whole)
        let frame = all.prefix(Self.margin) + all.suffix(Self.margin)
        guard frame.allSatisfy({ $0 == Self.sentinel }) else { return nil }
        return Array(all.dropFirst(Self.margin).dropLast(Self.margin))
    }
}
