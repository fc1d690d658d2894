import TensorCore
import Testing

/// Every operation on every backend against its reference in double precision.
struct OperationTests {
    @Test(arguments: OperationFamily.allCases)
    func equalsReference(_ family: OperationFamily) throws {
        for test in family.cases { try OperationCheck.run(test) }
    }
}
