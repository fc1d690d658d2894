import TensorCore
import Testing
import Weights

@Suite struct DeviceMapJSONTests {
    private static let text = #"{"transformer.transformer_blocks.0-29": "cpu:0", "vae": "cpu:1"}"#

    @Test func objectsAreRead() throws {
        let map = try DeviceMap(json: Array(Self.text.utf8))
        #expect(try map == DeviceMap(text: "transformer.transformer_blocks.0-29=cpu:0,vae=cpu:1"))
    }

    /// Cut anywhere, it is an error and never a shorter map.
    @Test func cutTextsAreRefused() {
        for length in 0..<Self.text.utf8.count {
            #expect(throws: PlacementError.self) { try DeviceMap(json: Array(Self.text.utf8.prefix(length))) }
        }
    }

    @Test(arguments: [
        (#"{"vae": "cpu", "vae": "cpu:1"}"#, PlacementError.namedTwice("vae")),
        (#"{"vae": "tpu"}"#, .unknownDevice("tpu", known: [])),
    ])
    func badMembersAreNamed(_ json: String, _ error: PlacementError) {
        #expect(throws: error) { try DeviceMap(json: Array(json.utf8)) }
    }

    @Test(arguments: ["[]", #"{"vae": 0}"#, #"{"vae": {"a": "cpu"}}"#, #"{"vae": "cpu"} x"#, #"{"": "cpu"}"#])
    func otherJSONIsRefused(_ json: String) {
        let error = #expect(throws: PlacementError.self) { try DeviceMap(json: Array(json.utf8)) }
        #expect(error?.description.hasPrefix("the device map is not a JSON object") == true)
    }
}
