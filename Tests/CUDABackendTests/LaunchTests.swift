import Testing

@testable import CUDABackend

/// How a launch is laid out in memory and over threads.
struct LaunchTests {
    @Test func argumentsLieAsTheKernelReadsThem() {
        var arguments = KernelArguments()
        arguments.append(Int32(-7))
        arguments.append(View(address: 0x1234_5678_9abc, elements: .bfloat16))
        arguments.append(Float(0.5))
        arguments.append([1, -2, 3])
        arguments.append(UInt64.max)
        arguments.withPointers { pointers in
            #expect(pointers[0]?.load(as: Int32.self) == -7)
            #expect(pointers[1]?.load(as: UInt64.self) == 0x1234_5678_9abc)
            #expect(pointers[1]?.load(fromByteOffset: 8, as: Int32.self) == 1)
            #expect(pointers[2]?.load(as: Float.self) == 0.5)
            #expect((0..<3).map { pointers[3]?.load(fromByteOffset: $0 * 8, as: Int64.self) } == [1, -2, 3])
            #expect(pointers[4]?.load(as: UInt64.self) == .max)
        }
    }

    /// Every row has its threads, and a row of more than one warp has its block alone.
    @Test(arguments: [0, 1, 7, 8, 9, 1000, 70_000], [1, 4, 31, 128, 129, 1025, 100_000])
    func rowsAreCovered(_ rows: Int, _ pieces: Int) {
        let shape = LaunchShape.rows(rows, pieces: pieces)
        #expect(shape.grid.x * shape.block.y >= rows && (shape.grid.x - 1) * shape.block.y < max(rows, 1))
        #expect(shape.block.x % 32 == 0 && shape.block.x * shape.block.y <= 256)
        #expect(shape.block.x == 32 || shape.block.y == 1)
    }

    @Test(arguments: [1, 255, 256, 257, 1 << 30])
    func piecesAreCovered(_ count: Int) {
        let shape = LaunchShape.pieces(count)
        #expect(shape.grid.x >= 1 && shape.grid.x <= 1 << 16)
        #expect(shape.grid.x == 1 << 16 || shape.grid.x * shape.block.x >= count)
    }

    /// The device's own architecture, then those below it whose code it runs; none that is tied to one chip.
    @Test(arguments: [
        (8, 0, ["sm_80"]), (8, 2, ["sm_82", "sm_81", "sm_80"]), (9, 0, ["sm_90"]), (12, 1, ["sm_121", "sm_120"]),
    ])
    func architecturesFallBack(_ major: Int, _ minor: Int, _ expected: [String]) {
        #expect(CUDADevice.architectures(major: major, minor: minor) == expected)
        #expect(!Set(expected).isDisjoint(with: KernelReport.architectures))
    }

    /// Many values that are asked for once leave those that are in use.
    @Test func recentValuesStay() {
        var values = RecentValues<Int, Int?>(limit: 4)
        values.keep(1, of: -1)
        values.keep(nil, of: -2)
        for key in 0..<100 {
            values.keep(key, of: key)
            #expect(values.value(of: -1) == .some(1) && values.value(of: -2) == .some(nil))
        }
        #expect(values.values.count == 4 && values.value(of: 99) == .some(99) && values.value(of: 97) == nil)
        values.keep(5, of: 99)
        #expect(values.values.count == 4 && values.value(of: 99) == .some(5))
    }

    @Test func sizesAreRounded() {
        #expect(DevicePool.roundedSize(0) == 512 && DevicePool.roundedSize(513) == 1024)
        #expect(DevicePool.roundedSize(2 << 20) == 2 << 20 && DevicePool.roundedSize((2 << 20) + 1) == 4 << 20)
    }
}
