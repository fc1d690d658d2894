import TensorCore
import Testing

struct ShapeTests {
    /// Extents from a file: nothing negative, and a product whose bytes Int can count, however the extents are ordered.
    @Test(arguments: [
        [-1], [3, -2], [0, -1], [Int.max], [1 << 32, 1 << 32], [1 << 31, 1 << 30], [Int.max, 2], [1 << 60],
        [3_037_000_500, 3_037_000_500], [Int.min],
    ])
    func refusesWhatCannotBe(_ extents: [Int]) {
        #expect(Shape(checking: extents) == nil)
    }

    @Test(arguments: [[], [0], [7], [2, 0, 5], [1 << 30, 1 << 28], [1, 1, 1, 1, 1, 1]])
    func acceptsTheRest(_ extents: [Int]) throws {
        let shape = try #require(Shape(checking: extents))
        #expect(shape.dimensions == extents)
        #expect(shape.rank == extents.count)
        #expect(shape.elementCount == extents.reduce(1, *))
        for dtype in DType.allCases {
            #expect(!shape.elementCount.multipliedReportingOverflow(by: (dtype.bitCount + 7) / 8).overflow)
        }
    }

    @Test func countsAxesFromBothEnds() {
        let shape: Shape = [2, 3, 5]
        #expect([shape[0], shape[2], shape[-1], shape[-3]] == [2, 5, 5, 2])
        #expect(shape.rowElementCount == 15)
        #expect(shape.description == "[2, 3, 5]")
    }
}
