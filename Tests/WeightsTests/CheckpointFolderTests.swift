import Foundation
import TensorCore
import Testing
import Weights

@Suite struct CheckpointFolderTests {
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
    }

    /// A file with one float32 tensor of one element.
    private static func file(_ tensor: String, _ value: Float) -> [UInt8] {
        safetensors(
            header: #"{"\#(tensor)":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, data: littleEndian([value]))
    }

    private static func index(_ map: [String: String]) -> String {
        let members = map.sorted { $0.key < $1.key }.map { #""\#($0.key)":"\#($0.value)""# }
        return #"{"metadata":{"total_size":1.5},"weight_map":{\#(members.joined(separator: ","))}}"#
    }

    private func open(_ component: String = "transformer") throws(WeightsError) -> CheckpointFolder {
        try CheckpointFolder(folder: scratch.url.appending(path: component))
    }

    /// Opens `transformer` with these files in it, and returns the value of its tensor `a`.
    private func value(of files: [String: [UInt8]]) throws -> [Float] {
        for (name, bytes) in files { try scratch.write(bytes, as: "transformer/\(name)") }
        return try open().tensor(named: "a", shape: [1]).floats()
    }

    private func message(_ body: () throws -> Void) -> String {
        #expect(throws: WeightsError.self) { try body() }?.description ?? ""
    }

    // MARK: Which files

    @Test func shardsWrittenInPython() throws {
        let folder = try CheckpointFolder(folder: fixture("sharded"))
        #expect(folder.location == "sharded")
        #expect(folder.names == (0..<5).map { "blocks.\($0).weight" })
        for index in 0..<5 {
            let tensor = try folder.tensor(named: "blocks.\(index).weight", shape: [4, 2])
            #expect(try tensor.floats() == Array(repeating: Float(index), count: 8))
        }
        #expect(folder.metadata["format"] == "pt")
        #expect(!folder.contains("blocks.5.weight"))
        #expect(throws: WeightsError.tensorMissing(tensor: "blocks.5.weight", file: "sharded")) {
            try folder.tensor(named: "blocks.5.weight")
        }
        #expect(
            message { _ = try folder.tensor(named: "blocks.3.weight", shape: [8]) }
                == "the tensor 'blocks.3.weight' in sharded/model-00002-of-00003.safetensors "
                + "has the shape [4, 2], but [8] is expected")
    }

    @Test(arguments: [
        ["diffusion_pytorch_model.safetensors"], ["model.safetensors"],
        ["model.fp16.safetensors"], ["diffusion_pytorch_model.bf16.safetensors"],
        ["model.safetensors", "pytorch_model.bin"],
    ])
    func singleFile(_ names: [String]) throws {
        #expect(try value(of: Dictionary(uniqueKeysWithValues: names.map { ($0, Self.file("a", 1)) })) == [1])
    }

    @Test func plainFileGoesBeforeItsVariants() throws {
        #expect(
            try value(of: ["model.fp16.safetensors": Self.file("a", 2), "model.safetensors": Self.file("a", 1)]) == [1])
    }

    @Test(arguments: [("diffusion_pytorch_model", [Float(2)]), ("model", [Float(1)])])
    func singleFileAndIndexByTheLibrarysPreference(_ base: String, _ expected: [Float]) throws {
        let files = [
            "\(base).safetensors": Self.file("a", 1), "shard.safetensors": Self.file("a", 2),
            "\(base).safetensors.index.json": Array(Self.index(["a": "shard.safetensors"]).utf8),
        ]
        #expect(try value(of: files) == expected)
    }

    @Test func indexOfAVariant() throws {
        let shard = "diffusion_pytorch_model.fp16-00001-of-00001.safetensors"
        let files = [
            shard: Self.file("a", 3),
            "diffusion_pytorch_model.safetensors.index.fp16.json": Array(Self.index(["a": shard]).utf8),
        ]
        #expect(try value(of: files) == [3])
    }

    @Test func severalVariantsAreRefused() throws {
        let found = message {
            _ = try value(of: [
                "model.fp16.safetensors": Self.file("a", 1), "model.bf16.safetensors": Self.file("a", 2),
            ]
            )
        }
        #expect(
            found == "transformer holds several variants and no plain file: model.bf16.safetensors,"
                + " model.fp16.safetensors; keep one of them")
    }

    @Test(arguments: ["pytorch_model.bin", "diffusion_pytorch_model.bin", "weights.pt", "pytorch_model.bin.index.json"])
    func picklesAreRefusedByName(_ name: String) throws {
        let found = message { _ = try value(of: [name: [1]]) }
        #expect(
            found
                == "transformer holds \(name), but weights are read from safetensors files only; convert them")
    }

    @Test func foldersWithoutWeights() throws {
        #expect(throws: WeightsError.folderMissing(folder: "nowhere")) { try open("nowhere") }
        try scratch.write("{}", as: "transformer/config.json")
        #expect(throws: WeightsError.weightsMissing(folder: "transformer", found: nil)) { try open() }
        #expect(throws: WeightsError.folderMissing(folder: "config.json")) { try open("transformer/config.json") }
        try scratch.write([1], as: "transformer/model-00001-of-00002.safetensors")
        #expect(throws: WeightsError.indexMissing(folder: "transformer", shard: "model-00001-of-00002.safetensors")) {
            try open()
        }
    }

    /// The Hub's cache: names are links into a folder of blobs.
    @Test func linksIntoBlobs() throws {
        let blob = try scratch.write(Self.file("a", 4), as: "blobs/0123abc")
        try scratch.write("{}", as: "transformer/config.json")
        let link = scratch.url.appending(path: "transformer/model.safetensors")
        try FileManager.default.createSymbolicLink(atPath: link.path, withDestinationPath: "../blobs/0123abc")
        #expect(try open().tensor(named: "a").floats() == [4])
        try FileManager.default.removeItem(at: blob)
        #expect(message { _ = try open() } == "transformer/model.safetensors is missing")
    }

    @Test func aBrokenFileIsNamedWithItsFolder() throws {
        let found = message { _ = try value(of: ["model.safetensors": Array(Self.file("a", 1).dropLast())]) }
        #expect(
            found
                == "transformer/model.safetensors is cut short: 66 bytes are expected, 65 are there; fetch it again")
    }

    // MARK: Shards

    @Test func aMissingShardIsNamed() throws {
        for index in [1, 3] {
            try scratch.write(Self.file("t\(index)", 1), as: "text_encoder/model-0000\(index)-of-00003.safetensors")
        }
        let map = Dictionary(uniqueKeysWithValues: (1...3).map { ("t\($0)", "model-0000\($0)-of-00003.safetensors") })
        try scratch.write(Self.index(map), as: "text_encoder/model.safetensors.index.json")
        #expect(
            message { _ = try open("text_encoder") }
                == "text_encoder/model-00002-of-00003.safetensors is missing"
                + " (text_encoder/model.safetensors.index.json names it)")
    }

    @Test func aTensorInTheWrongShardIsNamed() throws {
        let files = [
            "s1.safetensors": Self.file("a", 1), "s2.safetensors": Self.file("b", 2),
            "model.safetensors.index.json": Array(Self.index(["a": "s2.safetensors", "b": "s2.safetensors"]).utf8),
        ]
        #expect(message { _ = try value(of: files) } == "transformer/s2.safetensors has no tensor 'a'")
    }

    @Test(arguments: [
        "../other/model.safetensors", "/etc/passwd.safetensors", "sub/model.safetensors", "..", "model.bin", "",
        #"..\\model.safetensors"#, #"a\u0000.safetensors"#, "./model.safetensors", ".safetensors/../x.safetensors",
    ])
    func pathsOutOfTheFolderAreRefused(_ path: String) throws {
        let found = message {
            _ = try value(of: ["model.safetensors.index.json": Array(Self.index(["a": path]).utf8)])
        }
        #expect(found.hasPrefix("transformer/model.safetensors.index.json names '"))
        #expect(found.hasSuffix("but a shard must be a plain name ending in .safetensors"))
    }

    @Test(arguments: [
        ("not JSON", "needs an object"), ("[]", "needs an object"), ("{}", "no 'weight_map'"),
        (#"{"weight_map":[]}"#, "needs an object"), (#"{"weight_map":{"a":1}}"#, "needs a text"),
        (#"{"weight_map":{"a":"x.safetensors","a":"x.safetensors"}}"#, "'a' twice"),
        (#"{"weight_map":{}"#, "ends too early"), (#"{"weight_map":{}}x"#, "unexpected byte"),
    ])
    func aBrokenIndexIsRefused(_ index: String, _ reason: String) throws {
        let found = message { _ = try value(of: ["model.safetensors.index.json": Array(index.utf8)]) }
        #expect(found.hasPrefix("transformer/model.safetensors.index.json is not valid: the JSON "))
        #expect(found.contains(reason))
    }

    @Test func anIndexWithoutTensorsIsAnEmptySource() throws {
        try scratch.write(Self.index([:]), as: "transformer/model.safetensors.index.json")
        #expect(try open().names == [])
    }
}
