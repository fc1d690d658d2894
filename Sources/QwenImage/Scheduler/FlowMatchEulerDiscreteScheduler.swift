import Foundation

/// The noise schedule of the flow-matching model: which sigmas the sampler visits and which timestep each one is.
///
/// The arithmetic is that of diffusers 0.42.1, `FlowMatchEulerDiscreteScheduler.set_timesteps`: sigmas that are given
/// are float32 from the start, sigmas made from a step count are float64 until they are stored.
public struct FlowMatchEulerDiscreteScheduler: Sendable {
    /// The settings that the schedule follows.
    public let configuration: SchedulerConfiguration
    /// The sigmas of the schedule, one a step and the terminal one (0, or 1 if inverted); empty before `setTimesteps`.
    public private(set) var sigmas: [Float] = []
    /// `sigma * numTrainTimesteps` of each step; the transformer is given this divided by 1000.
    public private(set) var timesteps: [Float] = []

    /// The most steps a schedule may have; the model was trained on a thousand timesteps.
    public static let stepLimit = 1000
    /// The most timesteps that a training schedule may have.
    public static let trainTimestepLimit = 1_000_000

    /// Reads `scheduler_config.json` in `folder`.
    ///
    /// Throws: what `SchedulerConfiguration(contentsOf:)` and `init(_:)` throw.
    public init(folder: URL) throws(SchedulerError) {
        try self.init(SchedulerConfiguration(contentsOf: folder.appendingPathComponent("scheduler_config.json")))
    }

    /// Takes settings after checking them.
    ///
    /// Throws: `unsupportedOption` for beta sigmas and stochastic sampling, `conflictingOptions` for two kinds of
    /// spacing, `outOfRange` for numbers without a meaning.
    public init(_ configuration: SchedulerConfiguration) throws(SchedulerError) {
        let spacings = [
            ("use_beta_sigmas", configuration.useBetaSigmas),
            ("use_exponential_sigmas", configuration.useExponentialSigmas),
            ("use_karras_sigmas", configuration.useKarrasSigmas),
        ].filter(\.1).map(\.0)
        guard spacings.count <= 1 else { throw .conflictingOptions(spacings) }
        if configuration.useBetaSigmas { throw .unsupportedOption(name: "use_beta_sigmas", value: "true") }
        if configuration.stochasticSampling { throw .unsupportedOption(name: "stochastic_sampling", value: "true") }
        guard (1...Self.trainTimestepLimit).contains(configuration.numTrainTimesteps) else {
            throw .outOfRange(
                name: "num_train_timesteps", actual: "\(configuration.numTrainTimesteps)",
                expected: "1 to \(Self.trainTimestepLimit)")
        }
        guard configuration.shift.isFinite, configuration.shift > 0 else {
            throw .outOfRange(name: "shift", actual: "\(configuration.shift)", expected: "a number above 0")
        }
        if let terminal = configuration.shiftTerminal, !(terminal > 0 && terminal < 1) {
            throw .outOfRange(name: "shift_terminal", actual: "\(terminal)", expected: "a number between 0 and 1")
        }
        self.configuration = configuration
    }

    /// The fewest steps that a schedule can be made of: stretching moves the last of several sigmas and leaves a first
    /// of 1 where it is, so that a single one would become 0 / 0.
    public var fewestSteps: Int { configuration.shiftTerminal == nil ? 1 : 2 }

    /// The sigmas that the layered pipeline passes: `linspace(1, 0, steps + 1)` without its last value.
    public static func defaultSigmas(steps: Int) -> [Double] {
        guard steps > 0 else { return [] }
        let step = -1 / Double(steps)
        return (0..<steps).map { Double($0) * step + 1 }
    }

    /// The shift of the layered pipeline for a condition of so many tokens (16 x 16 pixels each): `sqrt(tokens / 256)`.
    public static func mu(conditionTokens: Int) -> Double {
        (Double(conditionTokens) / 256).squareRoot()
    }

    /// Makes the schedule from sigmas, one a step, before shifting; `mu` is needed when the shift is dynamic.
    ///
    /// Throws: `outOfRange`, `missingMu`, `notFinite`; the schedule is then as it was.
    public mutating func setTimesteps(sigmas: [Double], mu: Double?) throws(SchedulerError) {
        try Self.check(steps: sigmas.count)
        for sigma in sigmas where !(sigma >= 0 && sigma <= 1) {
            throw .outOfRange(name: "sigma", actual: "\(sigma)", expected: "0 to 1")
        }
        try set(spaced(sigmas.map { Float($0) }, mu: mu))
    }

    /// Makes a schedule of `count` steps, evenly spaced over the timesteps of training before shifting.
    ///
    /// Throws: `outOfRange`, `missingMu`, `notFinite`; the schedule is then as it was.
    public mutating func setTimesteps(count: Int, mu: Double?) throws(SchedulerError) {
        try Self.check(steps: count)
        let scale = Double(configuration.numTrainTimesteps)
        let ends = trainingEnds()
        let timesteps = Self.linspace(Double(ends.max) * scale, Double(ends.min) * scale, count: count)
        try set(spaced(timesteps.map { $0 / scale }, mu: mu))
    }

    /// `sigmas[step + 1] - sigmas[step]`: the Euler step is `latents += sigmaDelta(step:) * prediction`, in float32.
    public func sigmaDelta(step: Int) -> Float {
        sigmas[step + 1] - sigmas[step]
    }

    /// What is left of sigma's way once step `step` is done.
    func sigmaRest(afterStep step: Int) -> Float {
        sigmas[sigmas.count - 1] - sigmas[step + 1]
    }

    private static func check(steps: Int) throws(SchedulerError) {
        guard (1...stepLimit).contains(steps) else {
            throw .outOfRange(name: "number of steps", actual: "\(steps)", expected: "1 to \(stepLimit)")
        }
    }

    /// First and last sigma of training. With a constant shift they are shifted here and the schedule made from them is
    /// shifted once more: upstream does so, and a count-based schedule differs without it.
    private func trainingEnds() -> (min: Float, max: Float) {
        let lowest = 1 / Float(configuration.numTrainTimesteps)
        guard !configuration.useDynamicShifting else { return (lowest, 1) }
        return (constantShift(lowest), constantShift(1))
    }

    private mutating func set(_ spaced: [Float]) throws(SchedulerError) {
        var sigmas = spaced
        if configuration.invertSigmas { sigmas = sigmas.map { 1 - $0 } }
        if let step = sigmas.firstIndex(where: { !$0.isFinite }) { throw .notFinite(step: step) }
        timesteps = sigmas.map { $0 * Float(configuration.numTrainTimesteps) }
        self.sigmas = sigmas + [configuration.invertSigmas ? 1 : 0]
    }
}

extension FlowMatchEulerDiscreteScheduler {
    /// Shifts, stretches and respaces; the precision of the elements is the precision of the arithmetic.
    private func spaced<Value: BinaryFloatingPoint>(_ sigmas: [Value], mu: Double?) throws(SchedulerError) -> [Float] {
        var shifted = try shift(sigmas, mu: mu)
        if let terminal = configuration.shiftTerminal { shifted = Self.stretch(shifted, to: terminal) }
        let last = Double(shifted[shifted.count - 1])
        let first = Double(shifted[0])
        if configuration.useKarrasSigmas {
            return Self.karras(from: first, to: last, count: shifted.count).map { Float($0) }
        }
        if configuration.useExponentialSigmas {
            return Self.exponential(from: first, to: last, count: shifted.count).map { Float($0) }
        }
        return shifted.map { Float($0) }
    }

    private func shift<Value: BinaryFloatingPoint>(_ sigmas: [Value], mu: Double?) throws(SchedulerError) -> [Value] {
        guard configuration.useDynamicShifting else { return sigmas.map { constantShift($0) } }
        guard let mu else { throw .missingMu }
        let weight: Value
        switch configuration.timeShiftType {
        case .exponential:
            guard mu.isFinite else { throw .outOfRange(name: "mu", actual: "\(mu)", expected: "a finite number") }
            weight = Value(exp(mu))
        case .linear:
            guard mu.isFinite, mu > 0 else {
                throw .outOfRange(name: "mu", actual: "\(mu)", expected: "a number above 0")
            }
            weight = Value(mu)
        }
        return sigmas.map { weight / (weight + (1 / $0 - 1)) }
    }

    private func constantShift<Value: BinaryFloatingPoint>(_ sigma: Value) -> Value {
        Value(configuration.shift) * sigma / (1 + Value(configuration.shift - 1) * sigma)
    }

    /// Moves the schedule so that its last value is `terminal` and a 1 stays a 1.
    private static func stretch<Value: BinaryFloatingPoint>(_ sigmas: [Value], to terminal: Double) -> [Value] {
        let scale = (1 - sigmas[sigmas.count - 1]) / Value(1 - terminal)
        return sigmas.map { 1 - (1 - $0) / scale }
    }

    /// The spacing of Karras et al. 2022, equation 5, with rho = 7.
    private static func karras(from first: Double, to last: Double, count: Int) -> [Double] {
        let rho = 7.0
        let lowest = pow(last, 1 / rho)
        let highest = pow(first, 1 / rho)
        return linspace(0, 1, count: count).map { pow(highest + $0 * (lowest - highest), rho) }
    }

    private static func exponential(from first: Double, to last: Double, count: Int) -> [Double] {
        linspace(log(first), log(last), count: count).map { exp($0) }
    }

    /// numpy's `linspace`: the last value is `end` itself, and one value is `start`.
    private static func linspace(_ start: Double, _ end: Double, count: Int) -> [Double] {
        guard count > 1 else { return [start] }
        let step = (end - start) / Double(count - 1)
        var values = (0..<count).map { Double($0) * step + start }
        values[count - 1] = end
        return values
    }
}
