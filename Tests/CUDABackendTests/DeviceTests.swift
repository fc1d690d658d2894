import CPUBackend
import CUDABackend
import Foundation
import TensorCore
import Testing

/// What only a device shows: memory, failures, weights on their way, activations in bfloat16. The emulated driver's
/// count of memory is everybody's who tests beside: what looks at it has a process of its own there.
@Suite(.serialized, .enabled(if: TestDevice.isPresent, "\(TestDevice.absence)"))
struct DeviceTests {
    @Test func budgetIsHard() throws {
        let backend = try TestDevice.backend { $0.limitBytes = 8 << 20 }
        var first: Tensor? = try backend.allocate([1 << 20], .float32)
        #expect(first?.byteCount == 4 << 20 && backend.memory.usedBytes == 4 << 20)
        let expected = TensorError.outOfMemory(
            operation: "a tensor [2000000]", neededBytes: 8 << 20, usedBytes: 4 << 20, limitBytes: 8 << 20)
        #expect(throws: expected) { try backend.allocate([2_000_000], .float32) }
        first = nil
        // What was freed is used again, also for another size.
        for count in [1 << 20, 2 << 20, 1 << 20, 3, 2 << 20] {
            _ = try backend.upload([Float](repeating: 1, count: count), [count])
        }
        #expect(backend.memory.usedBytes == 0 && backend.memory.peakBytes <= 8 << 20)
    }

    /// A budget that counts the context is one by the driver's own count, rehearsals know it, and one that is smaller
    /// than the context says so.
    @Test func budgetCountsTheContext() async throws {
        guard TestDevice.failNext != nil else { return try Self.checkTheContextIsCounted() }
        await #expect(processExitsWith: .success) { try DeviceTests.checkTheContextIsCounted() }
    }

    private static func checkTheContextIsCounted() throws {
        let idle = try TestDevice.backend { $0.countsContext = true }
        let context = idle.memory.usedBytes
        #expect(context > 64 << 20 && idle.memory.peakBytes == context)
        let limit = context + (96 << 20)
        let backend = try TestDevice.backend { ($0.countsContext, $0.limitBytes) = (true, limit) }
        #expect(backend.rehearsal(limitBytes: limit).memory.usedBytes == context)
        let before = try backend.driverMemory().usedBytes
        var tensors: [Tensor] = []
        let failure = #expect(throws: TensorError.self) {
            while true { tensors.append(try backend.allocate([4 << 20], .float32)) }
        }
        #expect(tensors.count == 6 && failure?.isOutOfMemory(limitBytes: limit) == true)
        // The context itself was there before: the margin is what a budget leaves for what comes later.
        #expect(try backend.driverMemory().usedBytes <= before + (96 << 20))
        let small = try TestDevice.backend { ($0.countsContext, $0.limitBytes) = (true, 1 << 20) }
        #expect(throws: TensorError.self) { try small.allocate([1], .float32) }
    }

    /// Without a budget what the device has free is one, so that a job that is larger is planned for it.
    @Test func whatIsFreeIsTheLimit() async throws {
        guard TestDevice.failNext != nil else { return try Self.checkWhatIsFreeIsTheLimit() }
        await #expect(processExitsWith: .success) { try DeviceTests.checkWhatIsFreeIsTheLimit() }
    }

    private static func checkWhatIsFreeIsTheLimit() throws {
        // What the context takes is measured once, and not while somebody takes memory.
        let other = try TestDevice.backend { $0.countsContext = true }
        let held = try other.allocate([128 << 20], .float32)
        let backend = try TestDevice.backend { ($0.countsContext, $0.limitsToFree) = (true, true) }
        let limit = try #require(backend.limitBytes)
        let memory = try backend.driverMemory()
        let free = memory.totalBytes - memory.usedBytes
        // The context is in use already, and a part of what is counted for it, the margin, is not.
        #expect(limit - backend.memory.usedBytes <= free && limit - backend.memory.usedBytes >= free - (256 << 20))
        #expect(limit <= memory.totalBytes - held.byteCount)
        let small = try TestDevice.backend {
            ($0.countsContext, $0.limitsToFree, $0.limitBytes) = (true, true, 1 << 30)
        }
        #expect(small.limitBytes == 1 << 30)
    }

    @Test func leavesNothingBehind() async throws {
        guard TestDevice.failNext != nil else { return try Self.checkNothingIsLeft() }
        await #expect(processExitsWith: .success) { try DeviceTests.checkNothingIsLeft() }
    }

    private static func checkNothingIsLeft() throws {
        let backend = try TestDevice.backend()
        backend.releaseUnusedMemory()
        let before = try backend.driverMemory().usedBytes
        for round in 1...20 {
            let x = try backend.upload([Float](repeating: 1, count: 4096 * round), [64 * round, 64])
            _ = try backend.download(try backend.activate(x, .silu))
        }
        backend.releaseUnusedMemory()
        #expect(backend.memory.usedBytes == 0)
        #expect(try backend.driverMemory().usedBytes <= before + (4 << 20))
    }

    /// A weight that is dropped before anyone used it, and another in its place: the second's bytes count.
    @Test func droppedWeightsDoNotShine() throws {
        let backend = try TestDevice.backend { $0.limitBytes = 64 << 20 }
        let rows = 1024
        let memories = (1...6).map { ConstantMemory(value: Float($0), count: rows * 1024) }
        for (index, memory) in memories.enumerated() {
            _ = try backend.weight(HostTensor(memory: memory, byteOffset: 0, shape: [rows, 1024], dtype: .float32))
            let used = try backend.weight(
                HostTensor(memory: memory, byteOffset: 0, shape: [rows, 1024], dtype: .float32))
            let row = try backend.download(backend.gatherRows(used, [Int32(rows - 1)]))
            #expect(row.allSatisfy { $0 == Float(index + 1) })
        }
        backend.releaseUnusedMemory()
        #expect(backend.memory.usedBytes == 0)
    }

    /// A model's folder may say anything of its heads: an error, and no end of the process.
    @Test func headsThatAreTooLargeAreAnError() throws {
        let backend = try TestDevice.backend()
        let layout = AttentionLayout(heads: 1, headSize: 1024)
        let tensor = try backend.upload([Float](repeating: 1, count: 1024), [1, 1024])
        #expect(throws: TensorError.headTooLarge(device: "cuda:0", size: 1024, limit: 512)) {
            try backend.attention(tensor, tensor, tensor, layout)
        }
    }

    /// A bias that is written again is rounded again.
    @Test func aBiasThatChangesIsRoundedAnew() throws {
        let backend = try TestDevice.backend { $0.narrowElements = 0 }
        let (rows, width) = (8, 16)
        let layer = Linear(
            weight: try backend.weight(FloatMemory(value: 0, count: width * width).tensor([width, width])),
            bias: try backend.parameter(FloatMemory(value: 1, count: width).tensor([width])))
        let input = try backend.upload([Float](repeating: 1, count: rows * width), [rows, width])
        for expected in [1, 2] as [Float] {
            let output = try backend.download(backend.linear(input, layer))
            #expect(output == [Float](repeating: expected, count: rows * width))
            let bias = try #require(layer.bias)
            try backend.accumulate(bias, try backend.upload([Float](repeating: 1, count: width), [width]))
        }
    }

    /// Activations in bfloat16 through every operation that a block has, against the same on the host in float32.
    @Test func narrowActivations() throws {
        let backend = try TestDevice.backend { $0.narrowElements = 0 }
        let host = CPUBackend(threads: 2)
        let (rows, width, heads) = (70, 128, 2)
        func run(_ backend: any Backend) throws -> [Float] {
            func weight(_ outputs: Int, _ inputs: Int, _ seed: UInt32) throws -> Tensor {
                let values = Pseudo.values(outputs * inputs, seed: seed).map { $0 * 0.09 }
                return try backend.weight(FloatMemory(values).tensor([outputs, inputs]))
            }
            func vector(_ count: Int, _ seed: UInt32) throws -> Tensor {
                try backend.parameter(FloatMemory(Pseudo.values(count, seed: seed)).tensor([count]))
            }
            let hidden = try backend.upload(Pseudo.values(rows * width, seed: 1), [rows, width])
            let (shift, scale) = (try vector(width, 2), try vector(width, 3))
            let joint = try backend.empty([rows, width])
            for range in [0..<9, 9..<rows] {
                try backend.layerNorm(
                    hidden.rows(range), epsilon: 1e-6, shift: shift, scale: scale, into: joint.rows(range))
            }
            let query = try backend.empty([rows, width])
            for range in [0..<9, 9..<rows] {
                let layer = Linear(weight: try weight(width, width, 4), bias: try vector(width, 5))
                try backend.linear(joint.rows(range), layer, into: query.rows(range))
            }
            let key = try backend.linear(joint, Linear(weight: try weight(width, width, 6), bias: nil))
            let value = try backend.linear(joint, Linear(weight: try weight(width, width, 7), bias: nil))
            let angles = Pseudo.values(rows * 32, seed: 8)
            let rotary = Rotary(
                cosines: try backend.upload(angles.map(cosf), [rows, 32]),
                sines: try backend.upload(angles.map(sinf), [rows, 32]), pairing: .adjacent)
            for tensor in [query, key] {
                try backend.headNormRotary(tensor, headSize: 64, weight: try vector(64, 9), rotary: rotary)
            }
            let attended = try backend.attention(query, key, value, AttentionLayout(heads: heads, headSize: 64))
            try backend.accumulate(hidden, attended, gate: try vector(width, 10))
            let normed = try backend.rmsNorm(hidden, weight: try vector(width, 11), epsilon: 1e-6)
            let gate = try backend.linear(
                normed, Linear(weight: try weight(256, width, 12), bias: try vector(256, 13)), activation: .geluTanh)
            let up = try backend.linear(normed, Linear(weight: try weight(256, width, 14), bias: nil))
            try backend.siluGate(gate, up)
            try backend.accumulate(
                hidden, try backend.linear(gate, Linear(weight: try weight(width, 256, 15), bias: nil)))
            return try backend.download(hidden)
        }
        let (expected, found) = (try run(host), try run(backend))
        let difference = zip(expected, found).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
        let size = expected.reduce(0.0) { $0 + Double($1 * $1) }
        #expect((difference / size).squareRoot() < 0x1p-7)
    }
}

extension TensorError {
    fileprivate func isOutOfMemory(limitBytes: Int) -> Bool {
        if case .outOfMemory(_, _, _, limitBytes) = self { true } else { false }
    }
}

/// Floats of host memory.
// @unchecked because the values are written in `init` alone.
final class FloatMemory: HostMemory, @unchecked Sendable {
    private let values: UnsafeMutableBufferPointer<Float>

    init(_ values: [Float]) {
        self.values = .allocate(capacity: values.count)
        _ = self.values.initialize(from: values)
    }

    deinit {
        values.deallocate()
    }

    var byteCount: Int { values.count * 4 }

    func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(values))
    }

    func tensor(_ shape: Shape) -> HostTensor {
        HostTensor(memory: self, byteOffset: 0, shape: shape, dtype: .float32)
    }
}

/// The same float again and again.
typealias ConstantMemory = FloatMemory

extension FloatMemory {
    convenience init(value: Float, count: Int) {
        self.init([Float](repeating: value, count: count))
    }
}

/// Numbers between -1 and 1 that are the same in every run.
enum Pseudo {
    static func values(_ count: Int, seed: UInt32) -> [Float] {
        var state = seed &* 2_654_435_761 &+ 1
        return (0..<count).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return Float(Int32(bitPattern: state)) * 0x1p-31
        }
    }
}
