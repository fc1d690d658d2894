import CCUDA
import Synchronization
import TensorCore

import struct Foundation.URL

/// Matrix products by cuBLASLt: descriptors, layouts and the heuristics' choice are made once a shape.
///
/// cuBLASLt counts columns first: `output = input · weightᵀ`, row by row, is `weightᵀ · input` to it, with the output's
/// columns as its rows; a bias then runs along them as its epilogue wants it.
// @unchecked because it is used by the one thread that owns the backend, but for plans, which are behind a mutex:
// rehearsals, on any thread, ask for them too.
final class MatrixProducts: @unchecked Sendable {
    /// What a plan is made for.
    struct Key: Hashable, CustomStringConvertible {
        let rows: Int
        let columns: Int
        let depth: Int
        /// Element types of both operands and of the output, as cuBLASLt numbers them.
        let operands: Int32
        let output: Int32
        let epilogue: Int32
        /// The largest power of two, up to 16, that divides all addresses.
        let alignment: Int
        /// True if the operands' rows have scales that cuBLASLt applies.
        var scalesRows = false

        var description: String {
            "\(rows) x \(columns) x \(depth), operands \(operands), output \(output), epilogue \(epilogue), aligned to"
                + " \(alignment)\(scalesRows ? ", scaled by row" : "")"
        }
    }

    // @unchecked because the handles are fixed; attributes are set, and a way is chosen, by the thread that owns the
    // backend.
    private final class Plan: @unchecked Sendable {
        let operation: UnsafeMutableRawPointer
        let weight: UnsafeMutableRawPointer
        let input: UnsafeMutableRawPointer
        let output: UnsafeMutableRawPointer
        /// The ways to compute it, cuBLASLt's first choice first; one once the fastest is known.
        var ways: [MicaMatmulAlgorithm]
        private let functions: MicaCUBLASLt

        init(
            _ functions: MicaCUBLASLt, operation: UnsafeMutableRawPointer, weight: UnsafeMutableRawPointer,
            input: UnsafeMutableRawPointer, output: UnsafeMutableRawPointer, ways: [MicaMatmulAlgorithm]
        ) {
            self.functions = functions
            self.operation = operation
            self.weight = weight
            self.input = input
            self.output = output
            self.ways = ways
        }

        deinit {
            _ = functions.cublasLtMatmulDescDestroy(operation)
            for layout in [weight, input, output] { _ = functions.cublasLtMatrixLayoutDestroy(layout) }
        }
    }

    /// What Hopper's kernels like to have; others use less.
    private static let workspaceBytes = 32 << 20
    /// Shapes of one model at several resolutions and prompt lengths; beyond them the one goes that was not asked for
    /// the longest.
    private static let planLimit = 4096

    private let device: CUDADevice
    private let pool: DevicePool
    private let functions: MicaCUBLASLt
    private let handle: UnsafeMutableRawPointer
    private var workspace: CUDAStorage?
    private let plans = Mutex(RecentValues<Key, Plan?>(limit: planLimit))
    private let choices: ProductChoices
    /// What is rehearsed; nil for products that are computed.
    private let rehearsed: MatrixProducts?

    /// Has the plans of `products` and computes nothing.
    init(rehearsing products: MatrixProducts, device: CUDADevice, pool: DevicePool) {
        self.device = device
        self.pool = pool
        functions = products.functions
        handle = products.handle
        choices = products.choices
        rehearsed = products
    }

    /// Nil without cuBLASLt, or if it does not start, with the reason.
    ///
    /// - Parameters:
    ///   - choicesFolder: where the fastest ways are kept; nil keeps none.
    ///   - leastTimedWork: as `CUDABackend.Options.leastTimedWork`, and `timingLimit` as its own.
    init?(
        device: CUDADevice, pool: DevicePool, choicesFolder: URL?, leastTimedWork: Int?, timingLimit: Duration,
        problems: inout [String]
    ) {
        guard let functions = device.libraries.products, (try? device.enter()) != nil else { return nil }
        var handle: UnsafeMutableRawPointer?
        let code = functions.cublasLtCreate(&handle)
        guard code == 0, let handle else {
            problems.append(
                "cuBLASLt does not start (cublasLtCreate answered \(code)): products run on Mica's own kernel")
            return nil
        }
        self.device = device
        self.pool = pool
        self.functions = functions
        self.handle = handle
        let version = (0..<3 as Range<Int32>).map { property in
            var value: Int32 = 0
            return functions.cublasLtGetProperty(property, &value) == 0 ? "\(value)" : "x"
        }
        choices = ProductChoices(
            device: device.model, version: version.joined(separator: "."), folder: choicesFolder,
            leastWork: leastTimedWork, limit: timingLimit)
        rehearsed = nil
    }

    deinit {
        plans.withLock { $0.removeAll() }
        if rehearsed == nil, (try? device.enter()) != nil { _ = functions.cublasLtDestroy(handle) }
    }

    /// Runs `output = epilogue(input · weightᵀ)` if cuBLASLt has a way for it.
    ///
    /// - Parameters:
    ///   - bias: of the output's type; 0 for none.
    ///   - scales: float32 by row of weight and input, if the key says so.
    func run(
        _ key: Key, weight: MicaDeviceAddress, input: MicaDeviceAddress, bias: MicaDeviceAddress,
        output: MicaDeviceAddress, scales: (weight: MicaDeviceAddress, input: MicaDeviceAddress) = (0, 0)
    ) throws(TensorError) -> Bool {
        let addresses = [
            (Int32(MICA_MATMUL_BIAS_POINTER), bias), (Int32(MICA_MATMUL_A_SCALE_POINTER), scales.weight),
            (Int32(MICA_MATMUL_B_SCALE_POINTER), scales.input),
        ].filter { $0.1 != 0 }
        if let rehearsed {
            try rehearsed.device.enter()
            guard try rehearsed.plan(key, addresses) != nil else { return false }
            _ = try makeWorkspace()
            return true
        }
        guard let plan = try plan(key, addresses) else { return false }
        try set(plan.operation, addresses)
        let workspace = try makeWorkspace()
        // Sums of integers are scaled by integers.
        let isInteger = key.operands == Int32(MICA_R_8I)
        var one: UInt32 = isInteger ? 1 : (1 as Float).bitPattern
        var zero: UInt32 = 0
        func multiply(_ way: MicaMatmulAlgorithm) -> Int32 {
            var way = way
            return functions.cublasLtMatmul(
                handle, plan.operation, &one, pointer(weight), plan.weight, pointer(input), plan.input, &zero,
                pointer(output), plan.output, pointer(output), plan.output, &way, pointer(workspace.address),
                Self.workspaceBytes, device.compute)
        }
        // Forecasts make plans of many products before any is timed: time may be up meanwhile.
        if plan.ways.count > 1 {
            plan.ways = [try choices.times(key) ? fastest(plan.ways, for: key, multiply) : plan.ways[0]]
        }
        try check(multiply(plan.ways[0]), "cublasLtMatmul(\(key))")
        return true
    }

    /// True if cuBLASLt is known to have no way for it.
    func refuses(_ key: Key) -> Bool {
        if let rehearsed { return rehearsed.refuses(key) }
        if case .some(.none) = plans.withLock({ $0.value(of: key) }) { return true }
        return false
    }

    /// Times ways of a product on its own operands, the first of them and others as long as there is time, and keeps
    /// what it found.
    private func fastest(
        _ ways: [MicaMatmulAlgorithm], for key: Key, _ multiply: (MicaMatmulAlgorithm) -> Int32
    ) throws(TensorError) -> MicaMatmulAlgorithm {
        let (begin, remaining) = (ContinuousClock.now, choices.remaining)
        let (start, end) = (try DeviceEvent(device, isTimed: true), try DeviceEvent(device, isTimed: true))
        var times: [Float] = []
        for way in ways where times.isEmpty || ContinuousClock.now - begin < remaining {
            var code = multiply(way)
            try start.record(on: device.compute)
            for _ in 0..<ProductChoices.runCount where code == 0 { code = multiply(way) }
            try end.record(on: device.compute)
            times.append(code == 0 ? try end.milliseconds(since: start) : .infinity)
        }
        let best = times.indices.min { times[$0] < times[$1] } ?? 0
        let chosen = times[best] < times[0] * ProductChoices.gain ? best : 0
        let runs = Float(ProductChoices.runCount)
        CUDALog.note(
            "way \(chosen) of \(times.count) for \(key): \(times[chosen] / runs) ms, the first \(times[0] / runs) ms")
        choices.keep(
            times.count == ways.count ? ways[chosen] : nil, for: key, spent: ContinuousClock.now - begin)
        return ways[chosen]
    }

    private func pointer(_ address: MicaDeviceAddress) -> UnsafeMutableRawPointer? {
        UnsafeMutableRawPointer(bitPattern: UInt(address))
    }

    private func makeWorkspace() throws(TensorError) -> CUDAStorage {
        if let workspace { return workspace }
        let made = try CUDAStorage(Self.workspaceBytes, pool: pool, operation: "cuBLASLt's work space")
        workspace = made
        return made
    }

    /// Takes the work space, as a product does.
    func reserveWorkspace() throws(TensorError) { _ = try makeWorkspace() }

    /// Gives the work space back; the next product takes it again.
    func releaseWorkspace() {
        workspace = nil
    }

    private func plan(_ key: Key, _ addresses: [(Int32, MicaDeviceAddress)]) throws(TensorError) -> Plan? {
        if let known = plans.withLock({ $0.value(of: key) }) { return known }
        let made = try makePlan(key, addresses)
        plans.withLock { $0.keep(made, of: key) }
        return made
    }

    /// `addresses` are of the first product that needs the plan: the choice may look at whether they are there.
    private func makePlan(_ key: Key, _ addresses: [(Int32, MicaDeviceAddress)]) throws(TensorError) -> Plan? {
        let operation = try made("cublasLtMatmulDescCreate") {
            let isInteger = key.operands == Int32(MICA_R_8I)
            return functions.cublasLtMatmulDescCreate(
                &$0, Int32(isInteger ? MICA_COMPUTE_32I : MICA_COMPUTE_32F), Int32(isInteger ? MICA_R_32I : MICA_R_32F))
        }
        try set(operation, Int32(MICA_MATMUL_TRANSA), Int32(MICA_OPERATION_T))
        try set(operation, Int32(MICA_MATMUL_TRANSB), Int32(MICA_OPERATION_N))
        try set(operation, Int32(MICA_MATMUL_EPILOGUE), key.epilogue)
        if key.scalesRows {
            // An older cuBLASLt knows no such scales: there is no plan then.
            for attribute in [MICA_MATMUL_A_SCALE_MODE, MICA_MATMUL_B_SCALE_MODE] {
                var mode = Int32(MICA_SCALE_OUTER_VECTOR)
                let code = functions.cublasLtMatmulDescSetAttribute(
                    operation, Int32(attribute), &mode, MemoryLayout.size(ofValue: mode))
                guard code == 0 else {
                    CUDALog.note("cuBLASLt knows no scales by row: \(code)")
                    _ = functions.cublasLtMatmulDescDestroy(operation)
                    return nil
                }
            }
        }
        if key.operands == Int32(MICA_R_8F_E4M3) {
            var fast: Int8 = 1
            try check(
                functions.cublasLtMatmulDescSetAttribute(
                    operation, Int32(MICA_MATMUL_FAST_ACCUMULATION), &fast, MemoryLayout.size(ofValue: fast)),
                "cublasLtMatmulDescSetAttribute")
        }
        try set(operation, addresses)
        let weight = try layout(key.operands, rows: key.depth, columns: key.columns)
        let input = try layout(key.operands, rows: key.depth, columns: key.rows)
        let output = try layout(key.output, rows: key.columns, columns: key.rows)
        let preference = try made("cublasLtMatmulPreferenceCreate") { functions.cublasLtMatmulPreferenceCreate(&$0) }
        defer { _ = functions.cublasLtMatmulPreferenceDestroy(preference) }
        try prefer(preference, Int32(MICA_PREFERENCE_WORKSPACE_BYTES), UInt64(Self.workspaceBytes))
        for attribute in [
            MICA_PREFERENCE_ALIGNMENT_A, MICA_PREFERENCE_ALIGNMENT_B, MICA_PREFERENCE_ALIGNMENT_C,
            MICA_PREFERENCE_ALIGNMENT_D,
        ] { try prefer(preference, Int32(attribute), UInt32(key.alignment)) }
        let plan = Plan(functions, operation: operation, weight: weight, input: input, output: output, ways: [])
        if let known = choices.known(key), takes(known, plan) {
            plan.ways = [known]
            return plan
        }
        var results = [MicaMatmulHeuristic](
            repeating: MicaMatmulHeuristic(), count: choices.times(key) ? ProductChoices.wayCount : 1)
        var found: Int32 = 0
        let code = functions.cublasLtMatmulAlgoGetHeuristic(
            handle, operation, weight, input, output, output, preference, Int32(results.count), &results, &found)
        if code == 0 { plan.ways = results.prefix(Int(found)).filter { $0.state == 0 }.map(\.algorithm) }
        if !plan.ways.isEmpty { return plan }
        CUDALog.note("cuBLASLt has no way for \(key): \(code), \(found) found, \(results[0].state)")
        return nil
    }

    /// True if cuBLASLt computes a product so, within the work space.
    private func takes(_ way: MicaMatmulAlgorithm, _ plan: Plan) -> Bool {
        var (way, result) = (way, MicaMatmulHeuristic())
        let code = functions.cublasLtMatmulAlgoCheck(
            handle, plan.operation, plan.weight, plan.input, plan.output, plan.output, &way, &result)
        return code == 0 && result.state == 0 && result.workspaceBytes <= Self.workspaceBytes
    }

    private func layout(_ type: Int32, rows: Int, columns: Int) throws(TensorError) -> UnsafeMutableRawPointer {
        try made("cublasLtMatrixLayoutCreate") {
            functions.cublasLtMatrixLayoutCreate(&$0, type, UInt64(rows), UInt64(columns), Int64(rows))
        }
    }

    private func made(
        _ call: String, _ body: (inout UnsafeMutableRawPointer?) -> Int32
    ) throws(TensorError) -> UnsafeMutableRawPointer {
        var handle: UnsafeMutableRawPointer?
        try check(body(&handle), call)
        guard let handle else { preconditionFailure("\(call) gave no handle") }
        return handle
    }

    private func set(
        _ operation: UnsafeMutableRawPointer, _ attribute: Int32, _ value: Int32
    ) throws(TensorError) {
        var value = value
        try check(
            functions.cublasLtMatmulDescSetAttribute(operation, attribute, &value, MemoryLayout.size(ofValue: value)),
            "cublasLtMatmulDescSetAttribute")
    }

    private func set(
        _ operation: UnsafeMutableRawPointer, _ addresses: [(Int32, MicaDeviceAddress)]
    ) throws(TensorError) {
        for (attribute, address) in addresses {
            var address = address
            try check(
                functions.cublasLtMatmulDescSetAttribute(
                    operation, attribute, &address, MemoryLayout.size(ofValue: address)),
                "cublasLtMatmulDescSetAttribute(\(attribute))")
        }
    }

    private func prefer(
        _ preference: UnsafeMutableRawPointer, _ attribute: Int32, _ value: some FixedWidthInteger & BitwiseCopyable
    ) throws(TensorError) {
        var value = value
        try check(
            functions.cublasLtMatmulPreferenceSetAttribute(
                preference, attribute, &value, MemoryLayout.size(ofValue: value)),
            "cublasLtMatmulPreferenceSetAttribute")
    }

    private func check(_ code: Int32, _ call: String) throws(TensorError) {
        guard code != 0 else { return }
        CUDALog.note("\(call) answered \(code)")
        // A kernel that failed before shows here as a failed execution; the driver knows what it was.
        try device.check(device.driver.cuCtxSynchronize(), "cuCtxSynchronize after \(call)")
        throw .device(device: device.name, call: call, code: Int(code), problem: "cuBLASLt")
    }
}
