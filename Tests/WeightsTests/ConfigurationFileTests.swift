import Foundation
import Testing
import Weights

@Suite struct ConfigurationFileTests {
    private struct Configuration: Decodable, Equatable {
        struct Rope: Decodable, Equatable {
            let sections: [Int]
        }

        let numLayers: Int
        let epsilon: Float
        let useBias: Bool
        let name: String
        let ropeScaling: Rope

        enum CodingKeys: String, CodingKey {
            case numLayers = "num_layers"
            case epsilon, name
            case useBias = "use_bias"
            case ropeScaling = "rope_scaling"
        }
    }

    /// A type that checks its own values.
    private struct Even: Decodable {
        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer().decode([String: Int].self)["layers"] ?? 0
            guard value.isMultiple(of: 2) else {
                throw ConfigurationProblem.unsuitableValue(key: "layers", reason: "\(value) is odd")
            }
        }
    }

    private static let good = [
        "num_layers": "60", "epsilon": "1e-06", "use_bias": "true", "name": "\"x\"",
        "rope_scaling": #"{"sections":[1,2]}"#,
    ]

    private func message(_ members: [String: String]) throws -> String {
        try message("{" + members.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}")
    }

    private func message(_ text: String, maximumBytes: Int = 4096) throws -> String {
        let folder = try ScratchFolder()
        let file = try folder.write(text, as: "transformer/config.json")
        let error = #expect(throws: WeightsError.self) {
            try ConfigurationFile.read(Configuration.self, from: file, maximumBytes: maximumBytes)
        }
        return error?.description ?? ""
    }

    @Test func readsAFile() throws {
        let folder = try ScratchFolder()
        let text = "{" + Self.good.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + #","more":null}"#
        let file = try folder.write(text, as: "config.json")
        let expected = Configuration(
            numLayers: 60, epsilon: 1e-6, useBias: true, name: "x", ropeScaling: .init(sections: [1, 2]))
        #expect(try ConfigurationFile.read(Configuration.self, from: file) == expected)
    }

    @Test(arguments: [
        ("num_layers", nil, "the key 'num_layers' is missing"),
        ("num_layers", "\"60\"", "'num_layers' must be a whole number"),
        ("num_layers", "null", "'num_layers' is null, but must be a whole number"),
        ("epsilon", "[]", "'epsilon' must be a number"),
        ("use_bias", "1", "'use_bias' must be true or false"),
        ("name", "1", "'name' must be a text"),
        ("rope_scaling", "3", "'rope_scaling' must be an object"),
        ("rope_scaling", "{}", "the key 'rope_scaling.sections' is missing"),
        ("rope_scaling", #"{"sections":7}"#, "'rope_scaling.sections' must be a list"),
        ("rope_scaling", #"{"sections":[1,"x"]}"#, "'rope_scaling.sections[1]' must be a whole number"),
    ])
    func errorsNameFileAndKey(_ key: String, _ value: String?, _ expected: String) throws {
        var members = Self.good
        members[key] = value
        #expect(try message(members) == "transformer/config.json: \(expected)")
    }

    @Test(arguments: ["1.5", "1e400", "99999999999999999999"])
    func aNumberThatDoesNotFit(_ number: String) throws {
        var members = Self.good
        members["num_layers"] = number
        #expect(
            try message(members)
                == "transformer/config.json: a number is too large for its purpose,"
                + " or a fraction where a whole number is needed")
    }

    @Test(arguments: [
        ("nonsense", "unexpected byte 0x6f at 1"), ("{", "ends too early"), ("{\"a\":}", "unexpected byte 0x7d at 5"),
        ("\u{0}", "unexpected byte 0x0 at 0"), ("{\"a\":1}}", "unexpected byte 0x7d at 7"),
        (String(repeating: "[", count: 4000), "more than 512 deep"),
    ])
    func whatIsNoJSON(_ text: String, _ reason: String) throws {
        let found = try message(text)
        #expect(found.hasPrefix("transformer/config.json: not valid: the JSON "))
        #expect(found.contains(reason), "\(found)")
    }

    @Test func wrongKindOfRoot() throws {
        #expect(try message("[]") == "transformer/config.json: must hold an object")
    }

    @Test func emptyMissingAndTooLarge() throws {
        #expect(try message("") == "transformer/config.json is empty (0 bytes); fetch it again")
        #expect(
            try message(String(repeating: " ", count: 20), maximumBytes: 10)
                == "transformer/config.json has 20 B, but at most 10 B are read of such a file")
        #expect(throws: WeightsError.fileMissing(file: "no/config.json")) {
            try ConfigurationFile.read(Configuration.self, from: URL(filePath: "/no/config.json"))
        }
    }

    @Test func ownChecksOfAType() throws {
        let folder = try ScratchFolder()
        let file = try folder.write(#"{"layers":3}"#, as: "config.json")
        let error = #expect(throws: WeightsError.self) {
            try ConfigurationFile.read(Even.self, from: file, name: "model_index.json")
        }
        #expect(error?.description == "model_index.json: 'layers' cannot be used: 3 is odd")
    }
}
