import Foundation
import TensorCore
import Testing
import Weights

/// Reading LoRA files: the key forms in circulation, what they are multiplied by, and what is refused.
@Suite struct LoRAFileTests {
    private let folder: ScratchFolder
    /// Two layers of a model.
    private static let modules = LoRAModules([
        "transformer_blocks.0.attn.to_out.0": [3, 2], "img_in": [3, 5],
    ])

    init() throws {
        folder = try ScratchFolder()
    }

    /// A tensor of a file: its key, shape and values.
    struct Entry: Sendable {
        let key: String
        let shape: [Int]
        let dtype: String
        let bytes: [UInt8]

        init(_ key: String, _ shape: [Int], _ values: [Float]? = nil) {
            self.init(
                key, shape, "F32", bytes: littleEndian(values ?? (0..<shape.reduce(1, *)).map { Float($0 + 1) }))
        }

        init(_ key: String, _ shape: [Int], _ dtype: String, bytes: [UInt8]) {
            self.key = key
            self.shape = shape
            self.dtype = dtype
            self.bytes = bytes
        }
    }

    private func open(_ entries: [Entry], metadata: [String: String] = [:]) throws -> LoRAFile {
        var header: [String: Any] = [:]
        var data: [UInt8] = []
        for entry in entries {
            header[entry.key] = [
                "dtype": entry.dtype, "shape": entry.shape,
                "data_offsets": [data.count, data.count + entry.bytes.count],
            ]
            data += entry.bytes
        }
        if !metadata.isEmpty { header["__metadata__"] = metadata }
        let json = try JSONSerialization.data(withJSONObject: header)
        let file = try folder.write(safetensors(header: Array(json), data: data), as: "style.safetensors")
        return try LoRAFile(file: file, name: "style.safetensors", modules: Self.modules)
    }

    /// A pair for the layer of the block, rank 2, under a spelling of its name.
    private static func pair(
        _ name: String, _ down: String = "lora_A.weight", _ up: String = "lora_B.weight"
    ) -> [Entry] {
        [Entry("\(name).\(down)", [2, 2]), Entry("\(name).\(up)", [3, 2])]
    }

    /// A pair for the other layer, of any shapes.
    private static func inputPair(_ down: [Int], _ up: [Int]) -> [Entry] {
        [Entry("img_in.lora_A.weight", down), Entry("img_in.lora_B.weight", up)]
    }

    private static let layer = "transformer_blocks.0.attn.to_out.0"
    private static let flat = "transformer_blocks_0_attn_to_out_0"

    /// Shows what a file adds to a layer, in the way that a model asks for it.
    private func adapters(_ file: LoRAFile, of layer: String = layer, weight: Double = 1) -> [LayerAdapter] {
        AdaptedSource(NoTensors(), loras: [(file, weight)]).adapters(of: layer)
    }

    private struct NoTensors: TensorSource {
        let location = "nothing"
        let names: [String] = []
        func contains(_ name: String) -> Bool { false }
        func tensor(named name: String) throws(WeightsError) -> HostTensor {
            throw .tensorMissing(tensor: name, file: location)
        }
    }

    /// Names, and the endings of the pair behind them.
    private static let forms: [(names: [String], endings: [(down: String, up: String)])] = [
        // What diffusers' conversion for this model takes: each ending behind each of these names.
        (
            [
                layer, "diffusion_model.\(layer)", "default.\(layer)", "lora_unet_\(flat)",
                "diffusion_model.lora_unet_\(flat)",
            ],
            [
                ("lora_A.weight", "lora_B.weight"), ("lora_down.weight", "lora_up.weight"),
                ("lora_A.default.weight", "lora_B.default.weight"),
                ("lora_down.default.weight", "lora_up.default.weight"),
            ]
        ),
        // Its own older forms; the processor may be there or not.
        (
            [layer, "transformer.\(layer)", "transformer.transformer_blocks.0.attn.processor.to_out.0"],
            [("lora.down.weight", "lora.up.weight")]
        ),
        (
            ["transformer.transformer_blocks.0.attn.processor", "transformer.transformer_blocks.0.attn"],
            [("to_out_lora.down.weight", "to_out_lora.up.weight")]
        ),
        // PEFT's and those of other trainers.
        (
            ["transformer.\(layer)", "model.diffusion_model.\(layer)", "base_model.model.\(layer)"],
            [("lora_A.weight", "lora_B.weight"), ("lora_A.default.weight", "lora_B.default.weight")]
        ),
        (["lycoris_\(flat)", "lora_transformer_\(flat)"], [("lora_down.weight", "lora_up.weight")]),
    ]

    static let spellings: [[Entry]] = forms.flatMap { form in
        form.names.flatMap { name in form.endings.map { ending in pair(name, ending.down, ending.up) } }
    }

    @Test(arguments: spellings)
    func everySpellingMeansTheLayer(_ entries: [Entry]) throws {
        let file = try open(entries)
        let found = try #require(adapters(file).first)
        #expect(found.rank == 2 && found.scale == 1)
        let source = AdaptedSource(NoTensors(), loras: [(file, 1)])
        let names = [found.down, found.up].map { "\(Self.layer).\($0)" }
        #expect(try source.tensor(named: names[0], shape: [2, 2]).floats() == [1, 2, 3, 4])
        #expect(try source.tensor(named: names[1], shape: [3, 2]).floats() == [1, 2, 3, 4, 5, 6])
        #expect(throws: WeightsError.self) { try source.tensor(named: names[1], shape: [2, 3]) }
        #expect(source.names == names)
        #expect(adapters(file, of: "img_in").isEmpty)
    }

    /// Alphas and PEFT's configuration, and the scale that they make with rank 2.
    static let scales: [(alpha: Float?, metadata: String?, scale: Float)] = [
        (nil, nil, 1), (4, nil, 2), (1, nil, 0.5), (-3, nil, -1.5), (nil, #"{"transformer.lora_alpha": 6}"#, 3),
        (nil, #"{"transformer.r": 2, "transformer.lora_alpha": 5.0}"#, 2.5), (nil, #"{"transformer.r": 2}"#, 4),
        (nil, #"{"text_encoder.lora_alpha": 6}"#, 1), (nil, "{}", 1),
        (nil, #"{"transformer.lora_alpha": 6, "transformer.alpha_pattern": {"to_out.0": 1, "out.0": 9}}"#, 0.5),
        (nil, #"{"transformer.alpha_pattern": {"^transformer_blocks.0.attn.to_out.0": 1}}"#, 0.5),
        (nil, #"{"transformer.alpha_pattern": {"^attn.to_out.0": 1}}"#, 4),
        (nil, #"{"transformer.lora_alpha": 8, "transformer.use_rslora": true}"#, 8 / Float(2).squareRoot()),
        (4, #"{"transformer.lora_alpha": 6}"#, 6),
    ]

    @Test(arguments: scales.indices)
    func theFileSaysItsScale(_ index: Int) throws {
        let (alpha, metadata, scale) = Self.scales[index]
        let entries = Self.pair(Self.layer) + (alpha.map { [Entry("\(Self.layer).alpha", [], [$0])] } ?? [])
        let file = try open(entries, metadata: metadata.map { ["lora_adapter_metadata": $0] } ?? [:])
        #expect(adapters(file).first?.scale == scale)
        #expect(adapters(file, weight: -0.5).first?.scale == -0.5 * scale)
        #expect(adapters(file, weight: 0).isEmpty)
    }

    /// Some trainers write their alpha as a whole number, or in twice the bits.
    @Test(arguments: [("I64", [4, 0, 0, 0, 0, 0, 0, 0]), ("I32", [4, 0, 0, 0]), ("F64", [0, 0, 0, 0, 0, 0, 16, 64])])
    func alphaOfAnyType(_ dtype: String, _ bytes: [UInt8]) throws {
        let file = try open(Self.pair(Self.layer) + [Entry("\(Self.layer).alpha", [], dtype, bytes: bytes)])
        #expect(adapters(file).first?.scale == 2)
    }

    /// Keys that are refused, and what the message says of them besides their name.
    static let refused: [(entries: [Entry], key: String, says: String)] = [
        (pair("blocks.0.attn"), "blocks.0.attn.lora_A.weight", "no linear layer 'blocks.0.attn'"),
        (pair("lora_te1_text_model"), "lora_te1_text_model.lora_A.weight", "no linear layer"),
        (pair("text_encoder.\(layer)"), "text_encoder.\(layer).lora_A.weight", "no linear layer"),
        (pair(layer) + [Entry("\(layer).dora_scale", [3])], "\(layer).dora_scale", "DoRA"),
        (pair(layer) + [Entry("\(layer).lora_magnitude_vector", [3])], "\(layer).lora_magnitude_vector", "DoRA"),
        ([Entry("lycoris_\(flat).hada_w1_a", [3, 2])], "hada_w1_a", "LoHa"),
        ([Entry("lycoris_\(flat).lokr_w1", [3, 2])], "lokr_w1", "LoKr"),
        ([Entry("diffusion_model.\(layer).diff", [3, 2])], "diff", "a full difference"),
        (pair(layer) + [Entry("\(layer).lora_B.bias", [3])], "\(layer).lora_B.bias", "no part of a LoRA"),
        ([Entry("\(layer).weight", [3, 2])], "\(layer).weight", "no part of a LoRA"),
        ([Entry("\(layer).down.weight", [2, 2])], "\(layer).down.weight", "no part of a LoRA"),
        // Of the text encoders of other models; diffusers' loader for this one does not read it.
        (
            pair(layer, "lora_linear_layer.down.weight", "lora_linear_layer.up.weight"), "lora_linear_layer",
            "no part of a LoRA"
        ),
        (
            pair("transformer_blocks.0.attn.processor", "add_q_proj_lora.down.weight", "add_q_proj_lora.up.weight"),
            "add_q_proj_lora", "no part of a LoRA"
        ),
        (Array(pair(layer).prefix(1)), "\(layer).lora_A.weight", "lora_B (or lora_up) of"),
        (Array(pair(layer).suffix(1)), "\(layer).lora_B.weight", "lora_A (or lora_down) of"),
        ([Entry("img_in.alpha", [], [1])], "img_in.alpha", "is missing"),
        (pair(layer) + pair("transformer.\(layer)"), "lora_A.weight", "twice"),
        (
            inputPair([2, 4], [3, 2]), "img_in.lora_A.weight",
            "its shape is [2, 4], but this model needs [rank, 5]"
        ),
        (
            inputPair([2, 5], [4, 2]), "img_in.lora_B.weight",
            "its shape is [4, 2], but this model needs [3, rank]"
        ),
        (
            inputPair([2, 5], [3, 1]), "img_in.lora_B.weight",
            "its rank is 1, but that of the other matrix is 2"
        ),
        (
            inputPair([0, 5], [3, 0]), "img_in.lora_A.weight",
            "its shape is [0, 5]"
        ),
        (
            inputPair([2, 5, 1, 1], [3, 2]), "img_in.lora_A.weight",
            "its shape is [2, 5, 1, 1]"
        ),
        (pair(layer) + [Entry("\(layer).alpha", [2])], "\(layer).alpha", "not a single finite number"),
        (pair(layer) + [Entry("\(layer).alpha", [], [.nan])], "\(layer).alpha", "not a single finite number"),
        (pair("..."), "....lora_A.weight", "no linear layer"),
    ]

    @Test(arguments: refused.indices)
    func whatCannotBeAppliedIsNamed(_ index: Int) throws {
        let (entries, key, says) = Self.refused[index]
        let error = #expect(throws: WeightsError.self) { try open(entries) }
        let message = error?.description ?? ""
        #expect(message.contains("style.safetensors") && message.contains(key), "\(message)")
        #expect(message.contains(says), "\(message)")
        #expect(!message.contains("\n"))
    }

    @Test(arguments: [
        ("", "it is not JSON"), ("[1]", "another kind"),
        (#"{"transformer.lora_alpha": "much"}"#, "transformer.lora_alpha"),
        (#"{"transformer.use_dora": true}"#, "DoRA"), (#"{"transformer.alpha_pattern": {"to_.*": 2}}"#, "only names"),
        (#"{"transformer.lora_alpha": 1e39}"#, "not a single finite number"),
        (String(repeating: "[", count: 100_000), "it is not JSON"),
    ])
    func aConfigurationThatIsNone(_ text: String, _ says: String) {
        let error = #expect(throws: WeightsError.self) {
            try open(Self.pair(Self.layer), metadata: ["lora_adapter_metadata": text])
        }
        #expect(error?.description.contains(says) == true, "\(error.map { "\($0)" } ?? "nothing")")
    }

    @Test func aFileWithoutTensorsIsNone() {
        let error = #expect(throws: WeightsError.self) { try open([]) }
        #expect(error?.description.contains("there is no tensor in it") == true)
    }

    /// Bytes changed anywhere, and files cut anywhere, are read or refused, and nothing else.
    @Test func hostileFilesNeverTrap() throws {
        _ = try open(
            Self.pair("transformer.\(Self.layer)") + [Entry("\(Self.layer).alpha", [], [1])],
            metadata: ["lora_adapter_metadata": #"{"transformer.lora_alpha": 6}"#])
        let file = folder.url.appending(path: "style.safetensors")
        let bytes = try [UInt8](Data(contentsOf: file))
        var generator = SeededGenerator(state: 7)
        for _ in 0..<3000 {
            var changed = bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                changed[Int.random(in: 0..<changed.count, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            if Bool.random(using: &generator) {
                changed.removeLast(Int.random(in: 0..<changed.count, using: &generator))
            }
            let url = try folder.write(changed, as: "changed.safetensors")
            if let file = try? LoRAFile(file: url, modules: Self.modules) { _ = adapters(file) }
        }
    }
}
