import Foundation
import TensorCore

/// A tensor that is going to be written: as its source has it, or converted on the way.
public struct PlannedTensor: Sendable {
    /// As the file will spell it.
    public let name: String
    /// Where its elements come from.
    public let source: HostTensor
    /// What it is converted to; nil leaves it.
    public let form: WeightForm?

    /// `form` is dropped for a tensor that has as few bits already.
    public init(name: String, source: HostTensor, form: WeightForm?) {
        self.name = name
        self.source = source
        self.form = form.flatMap { $0.narrows(source.dtype) ? $0 : nil }
    }

    private var layer: String { name.hasSuffix(".weight") ? String(name.dropLast(".weight".count)) : name }

    /// The name of its scales.
    var scaleName: String { "\(layer).weight_scale" }

    /// The file's entries: the elements, and their scales.
    var entries: [SafetensorsEntry] {
        let dtype = form?.precision.dtype ?? source.dtype
        let columns = source.shape.dimensions.last ?? 0
        // Two elements of four bits are one byte of the file.
        let shape: Shape = dtype == .int4 ? [source.shape[0], (columns + 1) / 2] : source.shape
        var entries = [SafetensorsEntry(name: name, dtype: dtype == .int4 ? .uint8 : dtype, shape: shape)]
        if let form, let scaleShape = form.scaleShape(source.shape) {
            entries.append(SafetensorsEntry(name: scaleName, dtype: form.scaleDType, shape: Self.column(scaleShape)))
        } else if form == nil, let scales = source.quantization?.scales {
            entries.append(SafetensorsEntry(name: scaleName, dtype: scales.dtype, shape: Self.column(scales.shape)))
        }
        return entries
    }

    /// Bytes of all entries.
    public var byteCount: Int { entries.reduce(0) { $0 + $1.byteCount } }

    /// The layer and its description for the header; nil if the elements are values.
    var description: (layer: String, json: String)? {
        let columns = source.shape.dimensions.last ?? 0
        let rotation = form.map { $0.rotation(columns: columns) } ?? source.quantization?.rotation
        let dtype = form?.precision.dtype ?? source.dtype
        guard form?.precision.isQuantized ?? (source.quantization != nil) else { return nil }
        let isWhole = form == nil && source.quantization?.isWhole == true
        return LayerFormat.description(dtype: dtype, isWhole: isWhole, columns: columns, rotation: rotation)
            .map { (layer, $0) }
    }

    /// Scales of rows stand as a column, as other engines read them.
    private static func column(_ shape: Shape) -> Shape { shape.rank == 1 ? [shape[0], 1] : shape }
}

/// Writes a component in the public layout: one safetensors file, or shards under a size with an index.
///
/// Belongs to one thread. Memory is needed for one tensor at a time; the pages of the source that were read are given
/// back.
public struct ComponentWriter {
    /// What the files are called: `diffusion_pytorch_model` or `model`.
    public let baseName: String
    private let folder: URL
    private let shards: [[PlannedTensor]]

    /// Plans the shards; nothing is written yet.
    ///
    /// - Parameter shardBytes: of tensors in one file, at most; a larger tensor has a file of its own.
    public init(folder: URL, baseName: String, tensors: [PlannedTensor], shardBytes: Int) {
        self.folder = folder
        self.baseName = baseName
        var shards: [[PlannedTensor]] = [[]]
        var filled = 0
        for tensor in tensors {
            if filled > 0, filled + tensor.byteCount > shardBytes {
                shards.append([])
                filled = 0
            }
            shards[shards.count - 1].append(tensor)
            filled += tensor.byteCount
        }
        self.shards = shards
    }

    /// Writes all files and, for more than one, the index.
    ///
    /// - Parameters:
    ///   - convert: makes what `PlannedTensor.form` says of a matrix.
    ///   - written: called after each tensor, with the tensor; may throw to stop.
    /// - Throws: `io`, and what the two closures throw.
    public func write(
        convert: (PlannedTensor, WeightForm) throws(WeightsError) -> HostTensor,
        written: (PlannedTensor) throws(WeightsError) -> Void
    ) throws(WeightsError) {
        for (index, shard) in shards.enumerated() {
            let writer = try SafetensorsWriter(
                file: folder.appending(path: fileName(index)), entries: shard.flatMap(\.entries),
                metadata: header(shard))
            for tensor in shard {
                let stored =
                    try tensor.form.map { form throws(WeightsError) in try convert(tensor, form) } ?? tensor.source
                try writer.append(stored, to: tensor.name)
                if let scales = stored.quantization?.scales { try writer.append(scales, to: tensor.scaleName) }
                (tensor.source.memory as? MappedFile)?.giveBack(
                    tensor.source.byteOffset..<(tensor.source.byteOffset + tensor.source.byteCount))
                try written(tensor)
            }
            try writer.finish()
        }
        if shards.count > 1 { try writeIndex() }
    }

    private func fileName(_ index: Int) -> String {
        guard shards.count > 1 else { return "\(baseName).safetensors" }
        return String(format: "%@-%05d-of-%05d.safetensors", baseName, index + 1, shards.count)
    }

    private func header(_ shard: [PlannedTensor]) -> [String: String] {
        let layers = shard.compactMap(\.description).map { "\(SafetensorsWriter.quoted($0.layer)):\($0.json)" }
        guard !layers.isEmpty else { return ["format": "pt"] }
        let text = "{\"format_version\":\"1.0\",\"layers\":{\(layers.joined(separator: ","))}}"
        return ["format": "pt", QuantizedSource.metadataKey: text]
    }

    private func writeIndex() throws(WeightsError) {
        var members: [String] = []
        for (index, shard) in shards.enumerated() {
            let file = SafetensorsWriter.quoted(fileName(index))
            members += shard.flatMap(\.entries).map { "    \(SafetensorsWriter.quoted($0.name)): \(file)" }
        }
        let total = shards.joined().reduce(0) { $0 + $1.byteCount }
        let text =
            "{\n  \"metadata\": {\"total_size\": \(total)},\n  \"weight_map\": {\n"
            + members.sorted().joined(separator: ",\n") + "\n  }\n}\n"
        let file = try AtomicFile(target: folder.appending(path: "\(baseName).safetensors.index.json"))
        try file.write(Array(text.utf8).span.bytes, at: 0)
        try file.finish()
    }
}
