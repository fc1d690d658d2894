import TensorCore
import Testing

/// What a process holds while a job is rehearsed: its parts counted together, moment by moment.
struct ProcessMeterTests {
    /// Bytes that come from storage when they are touched.
    private final class Mapping: HostMemory {
        let byteCount: Int
        let isMapped = true

        init(_ byteCount: Int) { self.byteCount = byteCount }

        func withUnsafeBytes<Result, Failure: Error>(
            _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
        ) throws(Failure) -> Result {
            try body(UnsafeRawBufferPointer(start: nil, count: 0))
        }
    }

    private let process = ProcessMeter()

    private func meter(isHost: Bool = true) -> Meter {
        Meter(over: Meter(), process: process, isHost: isHost)
    }

    /// Two parts that are large one after the other: the peak is that of the larger moment, not their sum.
    @Test func peaksAtDifferentTimesDoNotAdd() throws {
        let meter = meter()
        do {
            _ = try meter.allocate([100], .float32)
        }
        let arrays = HostArrayCount(on: meter)
        arrays.hold(300)
        #expect(process.peak == ProcessMeter.Bytes(ownBytes: 400))
        let tensor = try meter.allocate([50], .float32)
        #expect(process.peak == ProcessMeter.Bytes(ownBytes: 200, hostBytes: 300))
        arrays.release(300)
        process.resetPeak()
        #expect(process.peak == ProcessMeter.Bytes(ownBytes: tensor.byteCount))
    }

    /// An array counts while it goes to the device, and no longer than who counts it lives.
    @Test func arraysOfTheHostGo() throws {
        let meter = meter()
        let tensor = try meter.upload([64]) { [] }
        #expect(process.peak == ProcessMeter.Bytes(ownBytes: 256, hostBytes: 256))
        do {
            HostArrayCount(on: meter).hold(1000)
        }
        process.resetPeak()
        #expect(process.peak.totalBytes == tensor.byteCount)
        // A backend that no process is counted with takes no notice.
        HostArrayCount(on: Meter()).hold(1000)
        #expect(process.peak.totalBytes == tensor.byteCount)
    }

    /// Pages of a checkpoint count from when they are read until they are given back, whoever has the weight.
    @Test func pagesCountWhileTheyAreThere() throws {
        let meter = meter()
        let mapping = Mapping(4096)
        let stored = HostTensor(memory: mapping, byteOffset: 0, shape: [16, 16], dtype: .bfloat16)
        let vector = HostTensor(memory: mapping, byteOffset: 512, shape: [16], dtype: .bfloat16)
        let bias = try meter.parameter(vector)
        #expect(process.peak == ProcessMeter.Bytes(ownBytes: 64, mappedBytes: 32))
        meter.giveBackPages(of: vector)
        process.resetPeak()
        #expect(process.peak == ProcessMeter.Bytes(ownBytes: bias.byteCount))
        // A copy is made while the pages are there.
        let weight = try meter.convolutionWeight(stored.reshaped([4, 4, 4, 4]))
        #expect(process.peak == ProcessMeter.Bytes(ownBytes: 64 + 1024, mappedBytes: 512))
        meter.giveBackPages(of: mapping as any HostMemory)
        process.resetPeak()
        #expect(process.peak.totalBytes == bias.byteCount + weight.byteCount)
    }

    /// Of several devices those that are the host count; what a device holds at its peak meets what others hold then.
    @Test func devicesCountTogether() throws {
        let (first, second, card) = (meter(), meter(), meter(isHost: false))
        let held = try first.allocate([25], .float32)
        do {
            _ = try second.allocate([75], .float32)
        }
        let other = try card.allocate([1000], .float32)
        #expect(process.peak == ProcessMeter.Bytes(ownBytes: held.byteCount + 300))
        #expect(card.memory.peakBytes == other.byteCount)
    }

    /// Reporting intervals does not change what a device says of itself.
    @Test func theDevicesPeakStays() throws {
        let meter = meter()
        do {
            _ = try meter.allocate([100], .float32)
        }
        _ = process.peak
        #expect(meter.memory.peakBytes == 400 && meter.memory.usedBytes == 0)
        meter.resetPeak()
        #expect(meter.memory.peakBytes == 0)
    }
}
