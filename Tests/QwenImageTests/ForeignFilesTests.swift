import CPUBackend
import Foundation
import ImageCodecs
import TensorCore
import Testing
import Weights

@testable import QwenImage

/// Components as single files in the layouts that circulate for ComfyUI, over a model folder.
@Suite struct ForeignFilesTests {
    private static func golden() throws -> GoldenCase {
        try #require(GoldenCase.all.first { !$0.parameters.needsCaption })
    }

    /// A tensor under another name, or with other bytes.
    private struct Part {
        let name: String
        let dtype: DType
        let shape: Shape
        let bytes: [UInt8]
    }

    private func bytes(_ tensor: HostTensor) -> [UInt8] {
        tensor.memory.withUnsafeBytes { Array($0[tensor.byteOffset..<(tensor.byteOffset + tensor.byteCount)]) }
    }

    private func write(_ parts: [Part], metadata: [String: String] = [:], to file: URL) throws {
        let writer = try SafetensorsWriter(
            file: file, entries: parts.map { SafetensorsEntry(name: $0.name, dtype: $0.dtype, shape: $0.shape) },
            metadata: metadata)
        for part in parts { try writer.append(part.bytes, to: part.name) }
        try writer.finish()
    }

    private func layers(_ golden: GoldenCase, _ components: ModelComponents) throws -> [[UInt8]] {
        let model = try ModelFolder(golden.checkpoint, components: components)
        return try LayeredPipeline(model: model, backend: CPUBackend()).decompose(
            golden.picture(), parameters: golden.parameters, latents: golden.latents()
        ).images.flatMap { $0 }.map(\.bytes)
    }

    private func parts(_ source: any TensorSource, _ rename: (String) -> String) throws -> [Part] {
        try source.names.map { name in
            let tensor = try source.tensor(named: name)
            return Part(name: rename(name), dtype: tensor.dtype, shape: tensor.shape, bytes: bytes(tensor))
        }
    }

    /// Wan's names by the published map, and back by the rules.
    @Test func namesOfTheAutoencoder() throws {
        let file = try #require(
            Bundle.module.url(forResource: "wan_vae_names", withExtension: "json", subdirectory: "Fixtures/tensors"))
        let map = try JSONDecoder().decode([String: String].self, from: Data(contentsOf: file))
        let names = WanNames(residualBlocks: 2)
        for (theirs, ours) in map {
            for parameter in ["weight", "bias", "gamma"] {
                #expect(names.publicName("\(theirs).\(parameter)") == "\(ours).\(parameter)", "\(theirs)")
            }
        }
        for stranger in [
            "", "conv1", "decoder", "decoder.conv1", "decoder.middle.3.norm.gamma", "encoder.middle..x.y",
            "decoder.upsamples.-1.residual.0.gamma", "x.conv1.weight", "decoder.head.9.weight", "conv1.x.weight",
            "decoder.upsamples.99999999999999999999.shortcut.weight",
        ] {
            #expect(names.publicName(stranger) == nil, "\(stranger)")
        }
    }

    @Test func singleFilesGiveTheSameLayers() throws {
        let golden = try Self.golden()
        let model = try ModelFolder(golden.checkpoint)
        let scratch = TemporaryFolder()
        var components = ModelComponents()
        components.transformer = scratch.url.appendingPathComponent("transformer.safetensors")
        components.textEncoder = scratch.url.appendingPathComponent("text.safetensors")
        components.autoencoder = scratch.url.appendingPathComponent("vae.safetensors")
        let strangers = [Part(name: "first_stage_model.x", dtype: .uint8, shape: [1], bytes: [0])]
        try write(
            try parts(model.transformerSource) { "model.diffusion_model.\($0)" } + strangers,
            to: #require(components.transformer))
        try write(try parts(model.textEncoderSource) { $0 }, to: #require(components.textEncoder))
        // By the map, turned round.
        let names = WanNames(residualBlocks: model.autoencoder.numResBlocks)
        let ours = model.autoencoderSource.names
        let theirs = Dictionary(
            Self.wanNames(levels: 12).compactMap { name in names.publicName(name).map { ($0, name) } },
            uniquingKeysWith: { first, _ in first })
        #expect(ours.allSatisfy { theirs[$0] != nil })
        try write(try parts(model.autoencoderSource) { theirs[$0] ?? $0 }, to: #require(components.autoencoder))
        #expect(try layers(golden, components) == layers(golden, ModelComponents()))
    }

    /// Every name that a VAE of Wan's might have.
    private static func wanNames(levels: Int) -> [String] {
        let parameters = ["weight", "bias", "gamma"]
        let residual = ["residual.0", "residual.2", "residual.3", "residual.6", "shortcut"]
        let resampler = ["resample.1", "time_conv"]
        var places = ["conv1", "conv2"]
        for half in ["encoder", "decoder"] {
            places += ["conv1", "head.0", "head.2", "middle.1.norm", "middle.1.to_qkv", "middle.1.proj"].map {
                "\(half).\($0)"
            }
            for index in [0, 2] { places += residual.map { "\(half).middle.\(index).\($0)" } }
            let list = half == "encoder" ? "downsamples" : "upsamples"
            for index in 0...(levels * 4) { places += (residual + resampler).map { "\(half).\(list).\(index).\($0)" } }
        }
        return places.flatMap { place in parameters.map { "\(place).\($0)" } }
    }

    /// The three dressings of one scaled fp8 file give the same layers, close to those of the original.
    @Test func dressingsOfFP8GiveTheSameLayers() throws {
        let golden = try Self.golden()
        let model = try ModelFolder(golden.checkpoint)
        let backend = CPUBackend()
        let scratch = TemporaryFolder()
        let large = Set(try ModelQuantizer(model: model, form: WeightForm(.fp8)).convertedMatrices.map(\.name))
        var results: [[[UInt8]]] = []
        for dressing in 0..<3 {
            var all: [Part] = []
            var layersJSON: [String] = []
            for name in model.transformerSource.names {
                let tensor = try model.transformerSource.tensor(named: name)
                guard large.contains("transformer.\(name)") else {
                    all.append(Part(name: name, dtype: tensor.dtype, shape: tensor.shape, bytes: bytes(tensor)))
                    continue
                }
                let layer = String(name.dropLast(".weight".count))
                let stored = backend.stored(try backend.blockWeight(tensor, as: WeightForm(.fp8)))
                let scales = try #require(stored.quantization).scales
                all.append(Part(name: name, dtype: .float8E4M3, shape: stored.shape, bytes: bytes(stored)))
                let scaleName = dressing == 1 ? "\(layer).scale_weight" : "\(layer).weight_scale"
                all.append(Part(name: scaleName, dtype: .float32, shape: [scales.shape[0], 1], bytes: bytes(scales)))
                let description = "{\"format\": \"float8_e4m3fn\"}"
                layersJSON.append("\"\(layer)\": \(description)")
                if dressing == 2 {
                    let text = Array(description.utf8)
                    all.append(Part(name: "\(layer).comfy_quant", dtype: .uint8, shape: [text.count], bytes: text))
                }
            }
            if dressing == 1 { all.append(Part(name: "scaled_fp8", dtype: .float8E4M3, shape: [2], bytes: [0, 0])) }
            let metadata = "{\"format_version\": \"1.0\", \"layers\": {\(layersJSON.joined(separator: ", "))}}"
            var components = ModelComponents()
            let file = scratch.url.appendingPathComponent("\(dressing).safetensors")
            try write(all, metadata: dressing == 0 ? ["_quantization_metadata": metadata] : [:], to: file)
            components.transformer = file
            #expect(try ModelFolder(golden.checkpoint, components: components).quantizedPrecision == .fp8)
            results.append(try layers(golden, components))
        }
        #expect(results[0] == results[1] && results[1] == results[2])
    }
}
