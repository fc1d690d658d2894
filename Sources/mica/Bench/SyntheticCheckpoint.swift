import Foundation
import QwenImage
import TensorCore
import Weights

/// Writes a model folder in the public layout whose weights are holes in files, or random numbers.
struct SyntheticCheckpoint {
    let model: SyntheticModel
    let dtype: DType
    /// False leaves the weights unwritten: zeros that take no room.
    let isRandom: Bool

    /// Bytes of a shard, at most, as the hub has them.
    private static let shardBytes = 10_000_000_000
    /// Random bytes are made in pieces of this size.
    private static let pieceBytes = 8 << 20

    /// What was written.
    struct Summary {
        var files = 0
        var tensors = 0
        var bytes = 0
    }

    /// Writes all files below `folder`, which is made. Throws `io`, or `cannotWrite` if there is no room.
    func write(to folder: URL) throws -> Summary {
        for (path, object) in model.files {
            let file = folder.appendingPathComponent(path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try JSONSerialization.data(
                withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            ).write(to: file)
        }
        // Read back, so that what is written is what the engine asks for.
        let opened = try configurations(folder)
        let components = [
            ("transformer", "diffusion_pytorch_model", opened.transformer),
            ("vae", "diffusion_pytorch_model", opened.vae),
            ("text_encoder", "model", opened.text),
        ]
        if isRandom { try checkRoom(folder, components.flatMap(\.2)) }
        var summary = Summary()
        for (component, name, entries) in components {
            try write(entries, name: name, to: folder.appendingPathComponent(component), &summary)
        }
        return summary
    }

    private func configurations(
        _ folder: URL
    ) throws -> (transformer: [SafetensorsEntry], vae: [SafetensorsEntry], text: [SafetensorsEntry]) {
        let transformer = try ConfigurationFile.read(
            TransformerConfiguration.self, from: folder.appendingPathComponent("transformer/config.json"))
        let autoencoder = try ConfigurationFile.read(
            AutoencoderConfiguration.self, from: folder.appendingPathComponent("vae/config.json"))
        let text = try Qwen25VLConfiguration(folder: folder.appendingPathComponent("text_encoder"))
        return (
            try CheckpointContents.entries(transformer: transformer, dtype: dtype),
            try CheckpointContents.entries(autoencoder: autoencoder, dtype: dtype),
            try CheckpointContents.entries(textEncoder: text, dtype: dtype)
        )
    }

    private func checkRoom(_ folder: URL, _ entries: [SafetensorsEntry]) throws {
        let needed = entries.reduce(0) { $0 + $1.byteCount }
        let attributes = try FileManager.default.attributesOfFileSystem(forPath: folder.path)
        guard let free = (attributes[.systemFreeSize] as? NSNumber)?.intValue, free < needed else { return }
        throw CommandError.cannotWrite(
            path: folder.path, reason: "\(ByteCount(needed)) are needed, \(ByteCount(free)) are free")
    }

    // MARK: Shards

    private func write(
        _ entries: [SafetensorsEntry], name: String, to folder: URL, _ summary: inout Summary
    ) throws {
        var shards: [[SafetensorsEntry]] = [[]]
        var bytes = 0
        for entry in entries {
            if bytes + entry.byteCount > Self.shardBytes, bytes > 0 {
                shards.append([])
                bytes = 0
            }
            shards[shards.count - 1].append(entry)
            bytes += entry.byteCount
        }
        var places: [String: String] = [:]
        for (index, shard) in shards.enumerated() {
            let place =
                shards.count == 1
                ? "\(name).safetensors"
                : String(format: "%@-%05d-of-%05d.safetensors", name, index + 1, shards.count)
            try write(shard, to: folder.appendingPathComponent(place))
            for entry in shard { places[entry.name] = place }
        }
        summary.files += shards.count
        summary.tensors += entries.count
        let total = entries.reduce(0) { $0 + $1.byteCount }
        summary.bytes += total
        guard shards.count > 1 else { return }
        let index: [String: Any] = ["metadata": ["total_size": total], "weight_map": places]
        try JSONSerialization.data(withJSONObject: index, options: [.prettyPrinted, .sortedKeys]).write(
            to: folder.appendingPathComponent("\(name).safetensors.index.json"))
    }

    private func write(_ entries: [SafetensorsEntry], to file: URL) throws {
        let writer = try SafetensorsWriter(file: file, entries: entries, metadata: ["format": "pt"])
        for entry in writer.entries {
            if isRandom { try fill(entry, writer) }
            writer.skip(entry.name)
        }
        try writer.finish()
    }

    // MARK: Numbers

    /// Norms become 1, biases stay 0, all else is random numbers of the scale that keeps activations in bounds.
    private func fill(_ entry: SafetensorsEntry, _ writer: SafetensorsWriter) throws {
        if entry.name.hasSuffix("bias") { return }
        let isNorm = entry.shape.elementCount == entry.shape[0]
        var seed = UInt64(0x9E37_79B9_7F4A_7C15)
        for byte in entry.name.utf8 { seed = (seed ^ UInt64(byte)) &* 0x100_0000_01B3 }
        // The binary exponent of 1 / sqrt(columns): values lie between it and twice it.
        let exponent = isNorm ? 0 : -Int((Float(max(entry.shape.rowElementCount, 1)).squareRoot()).exponent) - 1
        var rest = entry.byteCount
        while rest > 0 {
            let count = min(rest, Self.pieceBytes)
            try writer.append(bytes(count, isNorm ? nil : exponent, &seed), to: entry.name)
            rest -= count
        }
    }

    /// Elements of the checkpoint's type: 1 without an exponent, else a random sign and mantissa.
    private func bytes(_ count: Int, _ exponent: Int?, _ seed: inout UInt64) -> [UInt8] {
        let elements = count / dtype.byteCount
        switch dtype {
        case .float32:
            return raw(Self.values(elements, seed: &seed) { UInt32($0 & 0x807F_FFFF) | Self.float(exponent) << 16 })
        default:
            return raw(Self.values(elements, seed: &seed) { UInt16($0 & 0x807F) | UInt16(Self.float(exponent)) })
        }
    }

    /// The upper half of a float32 of this exponent, which is a bfloat16.
    private static func float(_ exponent: Int?) -> UInt32 { UInt32(127 + (exponent ?? 0)) << 7 }

    private static func values<Element>(
        _ count: Int, seed: inout UInt64, _ element: (UInt32) -> Element
    ) -> [Element] {
        var state = seed
        defer { seed = state }
        return (0..<count).map { _ in
            // Marsaglia's xorshift of 64 bits.
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return element(UInt32(truncatingIfNeeded: state >> 32))
        }
    }

    private func raw<Element: BitwiseCopyable>(_ values: [Element]) -> [UInt8] {
        values.withUnsafeBytes { Array($0) }
    }
}
