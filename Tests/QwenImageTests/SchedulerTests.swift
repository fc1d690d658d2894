import Foundation
import QwenImage
import Testing

/// The schedules against those of diffusers 0.42.1 (`tools/make_scheduler_fixtures.py`).
@Suite struct SchedulerTests {
    /// One schedule of the fixture: floats are stored as their bits.
    struct Golden: Decodable, Sendable, CustomTestStringConvertible {
        let name: String
        let config: SchedulerConfiguration
        let steps: Int
        let mu: Double?
        let start: String
        let given: [Double]
        let sigmas: [UInt32]
        let timesteps: [UInt32]
        var testDescription: String { name }
    }

    static func goldens() throws -> [Golden] {
        let file = try #require(
            Bundle.module.url(forResource: "schedules", withExtension: "json", subdirectory: "Fixtures/scheduler"))
        return try JSONDecoder().decode([Golden].self, from: Data(contentsOf: file))
    }

    static func configuration(_ json: String) throws -> SchedulerConfiguration {
        try JSONDecoder().decode(SchedulerConfiguration.self, from: Data(json.utf8))
    }

    @Test func equalsDiffusers() throws {
        let goldens = try Self.goldens()
        #expect(goldens.count > 100)
        for golden in goldens {
            var scheduler = try FlowMatchEulerDiscreteScheduler(golden.config)
            switch golden.start {
            case "count":
                try scheduler.setTimesteps(count: golden.steps, mu: golden.mu)
            case "default":
                let sigmas = FlowMatchEulerDiscreteScheduler.defaultSigmas(steps: golden.steps)
                try scheduler.setTimesteps(sigmas: sigmas, mu: golden.mu)
            default:
                try scheduler.setTimesteps(sigmas: golden.given, mu: golden.mu)
            }
            #expect(scheduler.sigmas.map(\.bitPattern) == golden.sigmas, "\(golden.name)")
            #expect(scheduler.timesteps.map(\.bitPattern) == golden.timesteps, "\(golden.name)")
        }
    }

    @Test func shiftOfTheBuckets() {
        #expect(FlowMatchEulerDiscreteScheduler.mu(conditionTokens: 1600) == 2.5)
        #expect(FlowMatchEulerDiscreteScheduler.mu(conditionTokens: 4096) == 4)
    }

    /// What the README says of LoRAs for few steps: their exponential shift by log(3) is a constant one of 3.
    @Test func aConstantShiftIsTheExponentialOfItsLogarithm() throws {
        var constant = try FlowMatchEulerDiscreteScheduler(
            Self.configuration(#"{"use_dynamic_shifting": false, "shift": 3.0, "time_shift_type": "linear"}"#))
        var exponential = try FlowMatchEulerDiscreteScheduler(
            Self.configuration(#"{"use_dynamic_shifting": true, "time_shift_type": "exponential"}"#))
        for steps in [1, 4, 8] {
            let sigmas = FlowMatchEulerDiscreteScheduler.defaultSigmas(steps: steps)
            try constant.setTimesteps(sigmas: sigmas, mu: 2.5)
            try exponential.setTimesteps(sigmas: sigmas, mu: log(3))
            #expect(zip(constant.sigmas, exponential.sigmas).allSatisfy { abs($0 - $1) < 1e-6 })
        }
    }

    @Test func deltaLeadsToTheNextSigma() throws {
        var scheduler = try FlowMatchEulerDiscreteScheduler(Self.configuration(#"{"use_dynamic_shifting": true}"#))
        try scheduler.setTimesteps(sigmas: [1, 0.5], mu: 0)
        #expect(scheduler.sigmas == [1, 0.5, 0])
        #expect(scheduler.timesteps == [1000, 500])
        #expect(scheduler.sigmaDelta(step: 0) == -0.5)
        #expect(scheduler.sigmaDelta(step: 1) == -0.5)
    }

    @Test(arguments: [
        (#"{"use_beta_sigmas": true}"#, SchedulerError.unsupportedOption(name: "use_beta_sigmas", value: "true")),
        (#"{"stochastic_sampling": true}"#, .unsupportedOption(name: "stochastic_sampling", value: "true")),
        (
            #"{"use_karras_sigmas": true, "use_exponential_sigmas": true}"#,
            .conflictingOptions(["use_exponential_sigmas", "use_karras_sigmas"])
        ),
        (#"{"shift": 0}"#, .outOfRange(name: "shift", actual: "0.0", expected: "a number above 0")),
        (
            #"{"shift_terminal": 1}"#,
            .outOfRange(name: "shift_terminal", actual: "1.0", expected: "a number between 0 and 1")
        ),
        (
            #"{"num_train_timesteps": 0}"#,
            .outOfRange(name: "num_train_timesteps", actual: "0", expected: "1 to 1000000")
        ),
    ])
    func refusesSettings(json: String, expected: SchedulerError) throws {
        let configuration = try Self.configuration(json)
        #expect(throws: expected) { try FlowMatchEulerDiscreteScheduler(configuration) }
    }

    @Test(arguments: [
        (#"{"_class_name": "EulerDiscreteScheduler"}"#, "_class_name"),
        (#"{"time_shift_type": "quadratic"}"#, "time_shift_type"),
        (#"{"shift_terminal": true}"#, "shift_terminal"),
        (#"{"shift": "three"}"#, "shift: expected Double"),
        (#"[1, 2]"#, "malformed"),
        (#"{"shift": "#, "malformed"),
        ("", "empty"),
    ])
    func refusesFiles(text: String, word: String) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(text.utf8).write(to: folder.appendingPathComponent("scheduler_config.json"))
        let error = #expect(throws: SchedulerError.self) { try FlowMatchEulerDiscreteScheduler(folder: folder) }
        #expect(error?.description.contains(word) == true, "\(String(describing: error))")
        #expect(error?.description.contains("\n") == false)
    }

    @Test func refusesArguments() throws {
        var scheduler = try FlowMatchEulerDiscreteScheduler(
            Self.configuration(#"{"use_dynamic_shifting": true, "time_shift_type": "linear"}"#))
        #expect(throws: SchedulerError.missingMu) { try scheduler.setTimesteps(sigmas: [1], mu: nil) }
        #expect(throws: SchedulerError.self) { try scheduler.setTimesteps(sigmas: [], mu: 1) }
        #expect(throws: SchedulerError.self) { try scheduler.setTimesteps(sigmas: [.nan], mu: 1) }
        #expect(throws: SchedulerError.self) { try scheduler.setTimesteps(sigmas: [1.5], mu: 1) }
        #expect(throws: SchedulerError.self) { try scheduler.setTimesteps(count: 1001, mu: 1) }
        #expect(throws: SchedulerError.self) { try scheduler.setTimesteps(count: 4, mu: -.infinity) }
        #expect(throws: SchedulerError.self) { try scheduler.setTimesteps(count: 4, mu: 0) }
        #expect(scheduler.sigmas.isEmpty)
        let missing = URL(fileURLWithPath: "/nonexistent-folder")
        #expect(throws: SchedulerError.self) { try FlowMatchEulerDiscreteScheduler(folder: missing) }
        var stretched = try FlowMatchEulerDiscreteScheduler(Self.configuration(#"{"shift_terminal": 0.1}"#))
        #expect(throws: SchedulerError.notFinite(step: 0)) { try stretched.setTimesteps(sigmas: [1], mu: nil) }
    }
}
