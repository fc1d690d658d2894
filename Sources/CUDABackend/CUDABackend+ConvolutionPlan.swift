import CCUDA
import TensorCore

/// Where things lie while cuDNN convolves, and while its result is compared: one behind the other in the room that the
/// patches would take.
private struct ConvolutionPlaces {
    /// The input in bfloat16; nil where it lies so.
    let input: View?
    let workspace: MicaDeviceAddress
    /// What cuDNN writes: the target itself, unless that holds what is added.
    let result: View
    /// Patches of `part` output pixels and their product.
    let patches: View
    let products: View
    let part: Int
    /// What `differences` writes.
    let differences: MicaDeviceAddress

    /// The result is compared in so many parts.
    private static let partCount = 8

    /// Results are compared in so many runs of elements.
    static func differenceCount(_ count: Int) -> Int { min((count + 255) / 256, 4096) }

    /// Nil if the room is too small.
    init?(_ work: ConvolutionWork, workspaceBytes: Int, room: CUDAStorage) {
        var used = 0
        func take(_ byteCount: Int) -> MicaDeviceAddress {
            defer { used += (byteCount + 255) / 256 * 256 }
            return room.address + UInt64(used)
        }
        func view(_ count: Int) -> View { View(address: take(count * 2), elements: .bfloat16) }
        let isReadable = work.source.elements == .bfloat16 && work.source.isAligned
        input = isReadable ? nil : view(work.input.elementCount)
        workspace = take(workspaceBytes)
        result = work.isInPlace ? view(work.pixels * work.columns) : work.target
        part = min(work.pixels, max(work.run / Self.partCount / 8 * 8, 8))
        patches = view(part * work.depth)
        products = view(part * work.columns)
        differences = take(Self.differenceCount(part * work.columns) * 2 * MemoryLayout<Float>.size)
        guard used <= room.byteCount else { return nil }
    }
}

extension CUDABackend {
    /// What two runs may differ by, of the root of their squares: both round the same sums, made in another order, to
    /// bfloat16. A row or column with a wrong neighbour is off by several times as much.
    private static let tolerance: Float = 0x1p-6
    /// Comparisons of nothing but zeros that a shape is given: a model without weights is not computed twice for ever.
    private static let mostIdleComparisons = 2

    /// Convolves by cuDNN; false if it has no plan for the shape, or none that is faster and gives the same.
    ///
    /// The first convolution of a shape with anything but zeros finds that out.
    func libraryConvolution(
        _ work: ConvolutionWork, in room: CUDAStorage, _ sums: CUDAStorage?
    ) throws(TensorError) -> Bool {
        guard holdsData, let convolutionPlans, let products, work.operands == .bfloat16,
            work.weight.elements == .bfloat16, work.target.elements == .bfloat16, work.target.isAligned,
            work.weight.isAligned
        else { return false }
        let key = ConvolutionPlans.Key(
            height: work.input.shape[0], width: work.input.shape[1], inputs: work.channels, outputs: work.columns,
            geometry: work.geometry, workspaceLimitBytes: room.byteCount / 4)
        guard let plan = try convolutionPlans.plan(key), plan.verdict != .left,
            let places = ConvolutionPlaces(work, workspaceBytes: plan.workspaceBytes, room: room)
        else { return false }
        // As the products of patches would.
        try products.reserveWorkspace()
        let bias = try bias(work.bias, as: .bfloat16)
        guard bias % 16 == 0 else { return false }
        func compute() throws(TensorError) -> Bool {
            if let input = places.input { try convert(work.source, to: input, count: work.input.elementCount) }
            return try convolutionPlans.run(
                plan, input: (places.input ?? work.source).address, weight: work.weight.address, bias: bias,
                output: places.result.address, workspace: places.workspace)
        }
        if plan.verdict == .open {
            do throws(TensorError) {
                plan.verdict = try verdict(plan, work, places, compute) { () throws(TensorError) in
                    try patchConvolution(work, room, sums, addsInPlace: false)
                }
            } catch {
                // A device that is lost over it would be lost again by the next job.
                if device.isLost { ConvolutionPlans.giveUp() }
                throw error
            }
            CUDALog.note("cuDNN's plan is \(plan.verdict) for \(key)")
        }
        guard plan.verdict == .taken else { return false }
        guard try compute() else {
            plan.verdict = .left
            return false
        }
        if work.isInPlace { try addScaled(work.target, places.result, 1, work.pixels * work.columns) }
        return true
    }

    /// What is to be done with a plan; `compute` runs it, `patches` goes the other way, over the same memory.
    private func verdict(
        _ plan: ConvolutionPlans.Plan, _ work: ConvolutionWork, _ places: ConvolutionPlaces,
        _ compute: () throws(TensorError) -> Bool, _ patches: () throws(TensorError) -> Void
    ) throws(TensorError) -> ConvolutionPlans.Plan.Verdict {
        guard try compute() else { return .left }
        switch try agrees(work, places) {
        case nil:
            plan.idleComparisonCount += 1
            return plan.idleComparisonCount < Self.mostIdleComparisons ? .open : .left
        case false: return .left
        default: break
        }
        guard options.leastTimedWork != nil else { return .taken }
        var isFine = true
        let time = try milliseconds { () throws(TensorError) in isFine = try compute() && isFine }
        let patchTime = try milliseconds(patches)
        CUDALog.note("a convolution takes \(time) ms by cuDNN, \(patchTime) ms by patches")
        return isFine && time <= patchTime ? .taken : .left
    }

    /// The time of one run, after one to warm up.
    private func milliseconds(_ body: () throws(TensorError) -> Void) throws(TensorError) -> Float {
        let (start, end) = (try DeviceEvent(device, isTimed: true), try DeviceEvent(device, isTimed: true))
        try body()
        try start.record(on: device.compute)
        for _ in 0..<ProductChoices.runCount { try body() }
        try end.record(on: device.compute)
        return try end.milliseconds(since: start) / Float(ProductChoices.runCount)
    }

    /// True if cuDNN's result is that of patches; nil if that is all zeros, which shows nothing.
    private func agrees(_ work: ConvolutionWork, _ places: ConvolutionPlaces) throws(TensorError) -> Bool? {
        var differences: [Float] = []
        var squares: [Float] = []
        for start in stride(from: 0, to: work.pixels, by: places.part) {
            let pixels = start..<min(start + places.part, work.pixels)
            try patchProduct(work, pixels, places.patches, places.products)
            let found = View(
                address: places.result.address + UInt64(start * work.columns * 2), elements: .bfloat16)
            let count = pixels.count * work.columns
            let sums = try self.differences(found, places.products, count: count, into: places.differences)
            for (index, sum) in sums.enumerated() {
                if index % 2 == 0 { differences.append(sum) } else { squares.append(sum) }
            }
        }
        let mean = squares.reduce(0, +) / Float(squares.count)
        guard mean != 0 else { return nil }
        let bound = Self.tolerance * Self.tolerance
        // What is not a number is not within any bound.
        let isWithin = zip(differences, squares).allSatisfy { $0 <= bound * ($1 + mean) }
        if !isWithin { CUDALog.note("cuDNN's convolution is not that of patches") }
        return isWithin
    }

    /// For each run of elements the sum of squared differences, then that of the reference's squares.
    private func differences(
        _ found: View, _ reference: View, count: Int, into address: MicaDeviceAddress
    ) throws(TensorError) -> [Float] {
        let runs = ConvolutionPlaces.differenceCount(count)
        try launch(
            .elements, "differences", LaunchShape(grid: (runs, 1), block: (256, 1)), found, reference, address,
            Int64((count + runs - 1) / runs), Int64(count))
        var sums = [Float](repeating: 0, count: 2 * runs)
        let code = sums.withUnsafeMutableBytes {
            device.driver.cuMemcpyDtoHAsync_v2($0.baseAddress, address, $0.count, device.compute)
        }
        try device.check(code, "cuMemcpyDtoHAsync")
        try device.synchronize()
        return sums
    }
}
