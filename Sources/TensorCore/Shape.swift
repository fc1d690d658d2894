/// The extents of a tensor, outermost first; row-major, always contiguous.
public struct Shape: Sendable, Hashable, ExpressibleByArrayLiteral, CustomStringConvertible {
    /// One extent an axis, each at least 0.
    public let dimensions: [Int]

    /// A shape of our own making: the extents are not negative and their product fits.
    public init(_ dimensions: [Int]) {
        precondition(Shape.elementCount(of: dimensions) != nil, "a shape overflows or is negative: \(dimensions)")
        self.dimensions = dimensions
    }

    /// As `init(_:)`: a literal is our own.
    public init(arrayLiteral elements: Int...) {
        self.init(elements)
    }

    /// A shape from outside (a file's header): nil if an extent is negative or the product overflows.
    public init?(checking dimensions: [Int]) {
        guard Shape.elementCount(of: dimensions) != nil else { return nil }
        self.dimensions = dimensions
    }

    /// Number of axes.
    public var rank: Int { dimensions.count }

    /// Product of the extents; 1 for a scalar.
    public var elementCount: Int { dimensions.reduce(1, *) }

    /// The extent of an axis; negative indices count from the last.
    public subscript(axis: Int) -> Int {
        dimensions[axis < 0 ? dimensions.count + axis : axis]
    }

    /// Elements of one index of the first axis.
    public var rowElementCount: Int { dimensions.dropFirst().reduce(1, *) }

    public var description: String {
        "[" + dimensions.map(String.init).joined(separator: ", ") + "]"
    }

    private static func elementCount(of dimensions: [Int]) -> Int? {
        var product = 1
        for extent in dimensions {
            guard extent >= 0 else { return nil }
            let (next, overflow) = product.multipliedReportingOverflow(by: extent)
            guard !overflow else { return nil }
            product = next
        }
        // Bytes are counted in Int too; 16 is more than the widest element.
        return product.multipliedReportingOverflow(by: 16).overflow ? nil : product
    }
}
