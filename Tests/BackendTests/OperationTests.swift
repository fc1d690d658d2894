import TensorCore
import Testing

/// Every operation, each case of its family: on every backend against the reference, and as the meter sees it.
struct OperationTests {
    @Test(arguments: OperationFamily.allCases)
    func equalsReference(_ family: OperationFamily) throws {
        for test in family.cases { try OperationCheck.run(test) }
    }

    /// How many threads share the work does not change a bit, with one exception: a product with a float32 weight is
    /// one BLAS call a thread, and BLAS takes its sums in another order when the rows or columns of a call are others.
    @Test(arguments: OperationFamily.allCases)
    func threadsDoNotChangeBits(_ family: OperationFamily) throws {
        for test in family.cases where family != .linear || test.dtype != .float32 {
            try OperationCheck.compare(test, on: BackendUnderTest.cpus)
        }
    }

    /// The meter takes the same operations with shapes alone, counts their work and everything that they give back.
    @Test(arguments: OperationFamily.allCases)
    func runsOnMeter(_ family: OperationFamily) throws {
        let meter = Meter()
        for test in family.cases {
            let before = meter.floatingPointOperations
            try OperationCheck.execute(test, on: meter)
            #expect(meter.floatingPointOperations >= before, "\(test)")
            #expect(meter.memory.usedBytes == 0, "\(test): memory is held")
        }
        #expect(meter.floatingPointOperations > 0)
        #expect(meter.memory.peakBytes > 0)
    }

    /// A rehearsal takes the same memory at the same time as the backend that it is of, scratch memory included, for
    /// every case of every operation. What is kept for reuse besides may be less: a device that has caught up lends a
    /// block again where a rehearsal, whose device never has, takes another.
    @Test(arguments: OperationFamily.allCases)
    func rehearsalTakesTheSameMemory(_ family: OperationFamily) throws {
        for tested in BackendUnderTest.all {
            let backend = tested.make()
            for test in family.cases where tested.takes(test) {
                let rehearsal = backend.rehearsal(limitBytes: nil)
                // Work space that the operation before left.
                backend.releaseUnusedMemory()
                backend.resetPeak()
                try OperationCheck.execute(test, on: backend)
                try OperationCheck.execute(test, on: rehearsal)
                var (expected, found) = (rehearsal.memory, backend.memory)
                #expect(found.peakHeldBytes <= expected.peakHeldBytes, "\(test) on \(tested)")
                (expected.peakHeldBytes, found.peakHeldBytes) = (0, 0)
                #expect(found == expected, "\(test) on \(tested)")
            }
        }
    }
}
