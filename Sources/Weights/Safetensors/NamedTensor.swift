import TensorCore

/// A tensor in memory with the name under which it is written.
public struct NamedTensor: Sendable {
    /// The elements, row-major.
    public enum Elements: Sendable {
        case float32([Float])
        case int64([Int64])
    }

    /// As the file will spell it.
    public let name: String
    /// Any; [] for a scalar.
    public let shape: Shape
    /// As many as the shape has.
    public let elements: Elements

    /// A float32 tensor; as many values as the shape has elements.
    public init(name: String, shape: Shape, floats: [Float]) {
        precondition(floats.count == shape.elementCount, "'\(name)': \(floats.count) values for \(shape)")
        self.name = name
        self.shape = shape
        self.elements = .float32(floats)
    }

    /// An int64 tensor; as many values as the shape has elements.
    public init(name: String, shape: Shape, int64s: [Int64]) {
        precondition(int64s.count == shape.elementCount, "'\(name)': \(int64s.count) values for \(shape)")
        self.name = name
        self.shape = shape
        self.elements = .int64(int64s)
    }

    /// The entry that announces it to a writer.
    public var entry: SafetensorsEntry {
        switch elements {
        case .float32: SafetensorsEntry(name: name, dtype: .float32, shape: shape)
        case .int64: SafetensorsEntry(name: name, dtype: .int64, shape: shape)
        }
    }
}
