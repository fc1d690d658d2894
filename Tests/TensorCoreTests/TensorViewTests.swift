import TensorCore
import Testing

/// Views share storage; where they begin is counted in elements.
struct TensorViewTests {
    @Test func rowsOfRowsAddUp() throws {
        let whole = try Meter().allocate([6, 2, 5], .bfloat16)
        let part = whole.rows(2..<5)
        #expect(part.shape == [3, 2, 5] && part.offset == 20)
        let row = part.row(1)
        #expect(row.shape == [2, 5] && row.offset == 30)
        #expect(row.row(1).offset == 35)
        #expect(row.reshaped([10]).offset == 30)
        #expect(row.byteCount == 20)
        #expect(part.rows(3..<3).elementCount == 0)
        #expect(row.storage === whole.storage)
    }

    /// A view keeps the whole storage alive, and the last one frees it.
    @Test func storageLivesAsLongAsAView() throws {
        let meter = Meter()
        var view: Tensor? = try meter.allocate([4, 8], .float32).row(3)
        #expect(view?.elementCount == 8)
        #expect(meter.memory.usedBytes == 128)
        view = nil
        #expect(meter.memory == MemoryUse(usedBytes: 0, peakBytes: 128))
    }
}
