import CUDABackend
import Foundation
import TensorCore
import Testing

/// Which way a product is computed: the emulated cuBLASLt offers three, of which the second is the fastest.
@Suite(.serialized, .enabled(if: TestDevice.emulatedLaunches != nil, "no emulated device"))
struct ProductChoiceTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)

    /// How often each way was taken while a product was asked for twice.
    private func ways(leastTimedWork: Int?) throws -> [Int32] {
        let launches = try #require(TestDevice.emulatedLaunches)
        let before = (0..<3).map { launches("product way \($0)") }
        let backend = try TestDevice.backend {
            ($0.leastTimedWork, $0.kernelCache) = (leastTimedWork, folder)
        }
        let weight = try backend.weight(FloatMemory(Pseudo.values(32 * 64, seed: 1)).tensor([32, 64]))
        let input = try backend.upload(Pseudo.values(16 * 64, seed: 2), [16, 64])
        let products = try (0..<2).map { _ in
            try backend.download(backend.linear(input, Linear(weight: weight, bias: nil)))
        }
        #expect(products[0] == products[1])
        return (0..<3).map { launches("product way \($0)") - before[$0] }
    }

    @Test func fastestWayIsFoundOnceAndKept() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        // Each way four times, and the second for the two products.
        #expect(try ways(leastTimedWork: 0) == [4, 6, 4])
        // The next process reads what this one found.
        #expect(try ways(leastTimedWork: 0) == [0, 2, 0])
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        let file = folder.appendingPathComponent(try #require(names.first { $0.hasPrefix("products-") }))
        #expect(file.lastPathComponent == "products-Emulated-GPU-13.12.11.json")
        // Files of others, damaged or of ways that cuBLASLt does not take, are as none.
        let text = try String(contentsOf: file, encoding: .utf8)
        for damaged in [
            "", "{", text.replacingOccurrences(of: "[1,", with: "[7,"), text.replacingOccurrences(of: ",0]", with: "]"),
        ] {
            try Data(damaged.utf8).write(to: file)
            #expect(try ways(leastTimedWork: 0) == [4, 6, 4], "\(damaged)")
        }
    }

    @Test(arguments: [nil, 2 * 16 * 32 * 64 + 1]) func smallOnesTakeTheFirst(_ leastTimedWork: Int?) throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        #expect(try ways(leastTimedWork: leastTimedWork) == [2, 0, 0])
    }

    /// Timing ends when its time is up: within a product after its first way, and for all products that come, though a
    /// forecast made their plans before. What was not compared is not kept for the next process.
    @Test func timingIsBound() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let launches = try #require(TestDevice.emulatedLaunches)
        let backend = try TestDevice.backend {
            ($0.leastTimedWork, $0.kernelCache, $0.timingLimit) = (0, folder, .nanoseconds(1))
        }
        func multiply(_ rows: Int, on backend: any Backend) throws {
            let weight = try backend.weight(FloatMemory(Pseudo.values(32 * 64, seed: 1)).tensor([32, 64]))
            let input = try backend.upload(Pseudo.values(rows * 64, seed: 2), [rows, 64])
            _ = try backend.linear(input, Linear(weight: weight, bias: nil))
        }
        let rehearsal = backend.rehearsal(limitBytes: nil)
        for rows in [16, 24] { try multiply(rows, on: rehearsal) }
        let before = (0..<3).map { launches("product way \($0)") }
        for rows in [16, 24] { try multiply(rows, on: backend) }
        // The first way's four runs and the product itself, then a product without any timing.
        #expect((0..<3).map { launches("product way \($0)") - before[$0] } == [6, 0, 0])
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        #expect(!names.contains { $0.hasPrefix("products-") })
    }

    /// Where cuBLASLt adds no bias and knows no activation behind the sums, it makes the sums all the same: in bfloat16
    /// the values are those of both in one, but for the sums' rounding.
    @Test(arguments: [Activation.none, .geluTanh, .silu], [false, true])
    func epiloguesThatAreRefusedArePasses(_ activation: Activation, _ hasBias: Bool) throws {
        let (launches, refuse) = (try #require(TestDevice.emulatedLaunches), try #require(TestDevice.refuseProducts))
        func product() throws -> [Float] {
            let backend = try TestDevice.backend { ($0.leastTimedWork, $0.narrowElements) = (nil, 0) }
            let layer = Linear(
                weight: try backend.weight(FloatMemory(Pseudo.values(32 * 64, seed: 1)).tensor([32, 64])),
                bias: hasBias ? try backend.parameter(FloatMemory(Pseudo.values(32, seed: 3)).tensor([32])) : nil)
            let input = try backend.upload(Pseudo.values(16 * 64, seed: 2), [16, 64])
            return try backend.download(backend.linear(input, layer, activation: activation))
        }
        let expected = try product()
        refuse(1)
        defer { refuse(0) }
        let (ways, own) = (launches("product way"), launches("product_bf16"))
        let found = try product()
        #expect(launches("product way") - ways == 1 && launches("product_bf16") == own)
        for (one, other) in zip(found, expected) { #expect(abs(one - other) <= 0x1p-6 * max(abs(other), 1)) }
    }
}
