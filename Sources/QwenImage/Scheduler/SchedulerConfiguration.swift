import Foundation
import Weights

/// The settings of `FlowMatchEulerDiscreteScheduler` as `scheduler_config.json` holds them.
///
/// Names, meanings and defaults are those of diffusers 0.42.1,
/// `schedulers/scheduling_flow_match_euler_discrete.py`; a key that the file lacks has the default.
public struct SchedulerConfiguration: Sendable, Equatable {
    /// How `mu` moves the sigmas when `useDynamicShifting` is on.
    public enum TimeShiftType: String, Sendable, Equatable {
        /// `exp(mu) / (exp(mu) + (1/sigma - 1))`.
        case exponential
        /// `mu / (mu + (1/sigma - 1))`.
        case linear
    }

    /// Timesteps of the training schedule; a timestep is `sigma * numTrainTimesteps`.
    public var numTrainTimesteps = 1000
    /// The constant shift, used when `useDynamicShifting` is off.
    public var shift = 1.0
    /// Whether the sigmas are shifted by `mu`, which depends on the size of the picture.
    public var useDynamicShifting = false
    /// Shift at `baseImageSequenceLength`; kept for pipelines that interpolate `mu`, not used by the schedule itself.
    public var baseShift = 0.5
    /// Shift at `maxImageSequenceLength`; kept for pipelines that interpolate `mu`, not used by the schedule itself.
    public var maxShift = 1.15
    /// Image tokens at which `baseShift` holds.
    public var baseImageSequenceLength = 256
    /// Image tokens at which `maxShift` holds.
    public var maxImageSequenceLength = 4096
    /// Whether the schedule runs from 0 to 1 instead of from 1 to 0.
    public var invertSigmas = false
    /// The value that the last sigma before the final one is stretched to; nil leaves the schedule as it is.
    public var shiftTerminal: Double?
    /// Whether the sigmas are spaced by the rule of Karras et al. between the first and the last.
    public var useKarrasSigmas = false
    /// Whether the sigmas are spaced evenly in their logarithm between the first and the last.
    public var useExponentialSigmas = false
    /// Whether the sigmas follow a beta distribution: refused by the scheduler.
    public var useBetaSigmas = false
    /// The shape of the shift by `mu`.
    public var timeShiftType = TimeShiftType.exponential
    /// Whether each step draws new noise: refused by the scheduler.
    public var stochasticSampling = false

    /// Makes the configuration that an empty file stands for.
    public init() {}

    /// Reads a `scheduler_config.json`.
    ///
    /// Throws: `file`, `malformed`, or `unsupportedOption` when the file names another
    /// scheduler class or an unknown `time_shift_type`.
    public init(contentsOf file: URL) throws(SchedulerError) {
        let data: Data
        do throws(WeightsError) {
            data = try ConfigurationFile.data(of: file, maximumBytes: Self.fileLimitBytes)
        } catch {
            throw .file(error)
        }
        do {
            self = try JSONDecoder().decode(SchedulerConfiguration.self, from: data)
        } catch let error as SchedulerError {
            throw error
        } catch let error as DecodingError {
            throw .malformed(path: file.path, detail: Self.describe(error))
        } catch {
            throw .malformed(path: file.path, detail: "not JSON")
        }
    }

    /// A real file has about 500 bytes; more than this is another file.
    private static let fileLimitBytes = 1 << 20

    private static func describe(_ error: DecodingError) -> String {
        func place(_ context: DecodingError.Context) -> String {
            let keys = context.codingPath.map(\.stringValue)
            return keys.isEmpty ? "not a JSON object" : keys.joined(separator: ".")
        }
        switch error {
        case .typeMismatch(let type, let context): return "\(place(context)): expected \(type)"
        case .valueNotFound(let type, let context): return "\(place(context)): expected \(type), found null"
        case .dataCorrupted(let context): return place(context)
        case .keyNotFound(let key, _): return "\(key.stringValue) is missing"
        @unknown default: return "not readable"
        }
    }
}

extension SchedulerConfiguration: Decodable {
    private enum CodingKeys: String, CodingKey {
        case className = "_class_name"
        case numTrainTimesteps = "num_train_timesteps"
        case shift
        case useDynamicShifting = "use_dynamic_shifting"
        case baseShift = "base_shift"
        case maxShift = "max_shift"
        case baseImageSequenceLength = "base_image_seq_len"
        case maxImageSequenceLength = "max_image_seq_len"
        case invertSigmas = "invert_sigmas"
        case shiftTerminal = "shift_terminal"
        case useKarrasSigmas = "use_karras_sigmas"
        case useExponentialSigmas = "use_exponential_sigmas"
        case useBetaSigmas = "use_beta_sigmas"
        case timeShiftType = "time_shift_type"
        case stochasticSampling = "stochastic_sampling"
    }

    /// The class that a file has to name, if it names one.
    private static let className = "FlowMatchEulerDiscreteScheduler"

    /// Decodes the JSON object of `scheduler_config.json`; a null stands for the default.
    ///
    /// Throws: `DecodingError` for a value of the wrong kind, `SchedulerError.unsupportedOption` for another class or
    /// an unknown kind of shift.
    public init(from decoder: any Decoder) throws {
        self.init()
        let values = try decoder.container(keyedBy: CodingKeys.self)
        func read<Value: Decodable>(_ key: CodingKeys, _ standard: Value) throws -> Value {
            try values.decodeIfPresent(Value.self, forKey: key) ?? standard
        }
        let name = try read(.className, Self.className)
        guard name == Self.className else {
            throw SchedulerError.unsupportedOption(name: "_class_name", value: name)
        }
        numTrainTimesteps = try read(.numTrainTimesteps, numTrainTimesteps)
        shift = try read(.shift, shift)
        useDynamicShifting = try read(.useDynamicShifting, useDynamicShifting)
        baseShift = try read(.baseShift, baseShift)
        maxShift = try read(.maxShift, maxShift)
        baseImageSequenceLength = try read(.baseImageSequenceLength, baseImageSequenceLength)
        maxImageSequenceLength = try read(.maxImageSequenceLength, maxImageSequenceLength)
        invertSigmas = try read(.invertSigmas, invertSigmas)
        useKarrasSigmas = try read(.useKarrasSigmas, useKarrasSigmas)
        useExponentialSigmas = try read(.useExponentialSigmas, useExponentialSigmas)
        useBetaSigmas = try read(.useBetaSigmas, useBetaSigmas)
        stochasticSampling = try read(.stochasticSampling, stochasticSampling)
        let kind = try read(.timeShiftType, timeShiftType.rawValue)
        guard let timeShiftType = TimeShiftType(rawValue: kind) else {
            throw SchedulerError.unsupportedOption(name: "time_shift_type", value: kind)
        }
        self.timeShiftType = timeShiftType
        shiftTerminal = try Self.shiftTerminal(in: values)
    }

    /// `shift_terminal` is null, false or 0 for "none", as Python's truth has it; `true` would divide by zero.
    private static func shiftTerminal(in values: KeyedDecodingContainer<CodingKeys>) throws -> Double? {
        if let flag = try? values.decodeIfPresent(Bool.self, forKey: .shiftTerminal) {
            if flag { throw SchedulerError.unsupportedOption(name: "shift_terminal", value: "true") }
            return nil
        }
        let number = try values.decodeIfPresent(Double.self, forKey: .shiftTerminal)
        return number == 0 ? nil : number
    }
}
