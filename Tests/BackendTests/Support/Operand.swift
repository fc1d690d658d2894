import TensorCore

/// An input of an operation under test: what it is, its extents and how its values are made.
struct Operand: Sendable {
    /// How the model brings it to a backend.
    enum Role: Sendable {
        /// A float32 tensor in the middle of a larger one, at an offset that is no multiple of a vector.
        case activation
        /// A matrix or table in a checkpoint's element type, some bytes into its file.
        case weight(DType, byteOffset: Int)
        /// A vector of a checkpoint, widened by the backend.
        case parameter(DType)
        /// A convolution's weight, [Cout, Cin, kh, kw] or [Cout, Cin, kt, kh, kw].
        case convolutionWeight(DType)
    }

    /// What its values look like.
    enum Fill: Sendable {
        case uniform(amplitude: Float = 1, center: Float = 0)
        case values([Float])
    }

    let role: Role
    let shape: Shape
    let fill: Fill

    init(_ role: Role, _ shape: Shape, _ fill: Fill = .uniform()) {
        self.role = role
        self.shape = shape
        self.fill = fill
    }

    static func activation(_ shape: Shape, _ fill: Fill = .uniform()) -> Operand {
        Operand(.activation, shape, fill)
    }

    static func parameter(_ shape: Shape, _ fill: Fill = .uniform()) -> Operand {
        Operand(.parameter(.float32), shape, fill)
    }

    /// The element type that it is stored in.
    var dtype: DType {
        switch role {
        case .activation: .float32
        case .weight(let dtype, _), .parameter(let dtype), .convolutionWeight(let dtype): dtype
        }
    }

    /// Its values, already rounded to its element type.
    func values(seed: UInt64) -> [Float] {
        let exact =
            switch fill {
            case .uniform(let amplitude, let center):
                SeededValues.uniform(shape.elementCount, seed: seed, amplitude: amplitude, center: center)
            case .values(let values): values
            }
        precondition(exact.count == shape.elementCount)
        return dtype == .float32 ? exact : exact.map { StoredFloats.round($0, to: dtype) }
    }
}
