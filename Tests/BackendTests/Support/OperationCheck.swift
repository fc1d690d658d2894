import TensorCore
import Testing

/// Runs cases on backends: the one body that every operation and every backend shares.
enum OperationCheck {
    /// Runs a case on every backend, twice each: bounds the error, sees that the
    /// operands and the memory beside the output are as they were, that a second run
    /// gives the same bits, and that writing over an operand, where allowed, does too.
    static func run(_ test: OperationCase, on backends: [BackendUnderTest] = BackendUnderTest.all) throws {
        let values = test.operandValues
        let expected = test.reference(values)
        for tested in backends where tested.takes(test) {
            let backend = tested.make()
            let first = try result(of: test, values, on: backend)
            let error = RelativeError(first, expected, magnitude: test.magnitude)
            let bound = tested.bound(test.dtype) * test.condition
            #expect(error.mismatch == nil, "\(test) on \(tested): what is not finite differs")
            #expect(error.value <= bound, "\(test) on \(tested): relative error \(error.value)")
            let second = try result(of: test, values, on: backend)
            #expect(sameBits(first, second), "\(test) on \(tested): a second run differs")
            for operand in test.mayOverwrite {
                let over = try result(of: test, values, on: backend, over: operand)
                #expect(sameBits(first, over), "\(test) on \(tested): in place of operand \(operand) differs")
            }
            backend.releaseUnusedMemory()
            #expect(backend.memory.usedBytes == 0, "\(test) on \(tested): memory is held")
        }
    }

    /// Sees that a case gives the same bits on all of `backends`.
    static func compare(_ test: OperationCase, on backends: [BackendUnderTest]) throws {
        let values = test.operandValues
        let results = try backends.map { try result(of: test, values, on: $0.make()) }
        for (tested, result) in zip(backends, results).dropFirst() {
            #expect(sameBits(results[0], result), "\(test): \(tested) and \(backends[0]) differ")
        }
    }

    /// True if two results are equal bit by bit.
    static func sameBits(_ one: [Float], _ other: [Float]) -> Bool {
        one.count == other.count && zip(one, other).allSatisfy { $0.bitPattern == $1.bitPattern }
    }

    /// One run, in memory of its own: the output starts as NaN, so
    /// that an element that is never written, or that is read, shows.
    private static func result(
        of test: OperationCase, _ values: [[Float]], on backend: any Backend, over replaced: Int? = nil
    ) throws -> [Float] {
        var operands: [Tensor] = []
        var framed: [Int: FramedTensor] = [:]
        for (index, operand) in test.operands.enumerated() {
            let tensor = try place(operand, values[index], on: backend)
            switch tensor {
            case .framed(let frame):
                framed[index] = frame
                operands.append(frame.tensor)
            case .plain(let tensor): operands.append(tensor)
            }
        }
        let output: FramedTensor
        var overwritten = replaced
        switch test.output {
        case .over(let index):
            overwritten = index
            output = try #require(framed[index])
        case .new(let shape):
            output =
                try replaced.flatMap { framed[$0] }
                ?? FramedTensor([Float](repeating: .nan, count: shape.elementCount), shape, on: backend)
        }
        try backend.execute(test.operation(operands, output.tensor))
        for (index, frame) in framed where index != overwritten {
            let kept = try #require(try frame.read(from: backend), "\(test): wrote beside operand \(index)")
            #expect(sameBits(kept, values[index]), "\(test): operand \(index) changed")
        }
        return try #require(try output.read(from: backend), "\(test): wrote beside the output")
    }

    /// One run whose result nobody reads.
    static func execute(_ test: OperationCase, on backend: any Backend) throws {
        let operands = try zip(test.operands, test.operandValues).map { operand, values in
            switch try place(operand, values, on: backend) {
            case .framed(let frame): frame.tensor
            case .plain(let tensor): tensor
            }
        }
        let output =
            switch test.output {
            case .over(let index): operands[index]
            case .new(let shape): try backend.allocate(shape, .float32)
            }
        try backend.execute(test.operation(operands, output))
    }

    /// An operand on a backend.
    enum Placed {
        case framed(FramedTensor)
        case plain(Tensor)
    }

    /// Brings an operand to a backend as the model would.
    static func place(_ operand: Operand, _ values: [Float], on backend: any Backend) throws -> Placed {
        switch operand.role {
        case .activation:
            return .framed(try FramedTensor(values, operand.shape, on: backend))
        case .weight(let dtype, let byteOffset):
            return .plain(
                try backend.weight(StoredFloats(values, operand.shape, dtype, byteOffset: byteOffset).tensor))
        case .parameter(let dtype):
            return .plain(try backend.parameter(StoredFloats(values, operand.shape, dtype).tensor))
        case .convolutionWeight(let dtype):
            return .plain(try backend.convolutionWeight(StoredFloats(values, operand.shape, dtype).tensor))
        }
    }
}
