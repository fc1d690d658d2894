import Foundation
import Synchronization
import TensorCore
import Weights

/// Writes a model into a folder of its own, with the large matrices of its blocks in fewer bits; everything else stays
/// as it is. Or one of its components alone, to go over a model folder that keeps the others (`ModelComponents`).
///
/// Belongs to one thread.
public struct ModelQuantizer {
    /// The components that have large matrices, named as their folders.
    public enum Part: String, Sendable, CaseIterable {
        case transformer
        case textEncoder = "text_encoder"
    }

    /// A component whose weights are written.
    private struct Component {
        let folder: String
        let baseName: String
        let tensors: [PlannedTensor]
    }

    /// How far it is, in bytes of the source.
    public struct Progress: Sendable {
        /// The component's folder, such as `transformer`.
        public let component: String
        /// Read so far, of all components, and in all.
        public let doneBytes: Int
        public let totalBytes: Int
    }

    private let model: ModelFolder
    private let components: [Component]
    private let part: Part?

    /// Plans the conversion: every tensor's name, type and place; no weight is read.
    /// - Parameter part: the component to write; nil for the whole model.
    public init(model: ModelFolder, form: WeightForm, only part: Part? = nil) throws(PipelineError) {
        self.model = model
        self.part = part
        var components: [Component] = []
        if part != .textEncoder { components.append(try Self.transformer(of: model, form)) }
        if part != .transformer { components.append(try Self.textEncoder(of: model, form)) }
        if part == nil {
            let tensors = try PipelineError.converting { () throws(WeightsError) -> [PlannedTensor] in
                try Self.tensors(of: model.autoencoderSource, nil) { _ in }
            }
            components.append(Component(folder: "vae", baseName: "diffusion_pytorch_model", tensors: tensors))
        }
        self.components = components
    }

    private static func transformer(of model: ModelFolder, _ form: WeightForm) throws(PipelineError) -> Component {
        let source = model.transformerSource
        let isBlocked = source.names.contains { (try? source.tensor(named: $0))?.dtype.block != nil }
        guard !isBlocked else {
            throw .model(
                file: source.location,
                problem: "is quantised already, as GGUF: use it as it is, or convert the original")
        }
        let tensors = try PipelineError.converting { () throws(WeightsError) -> [PlannedTensor] in
            try Self.tensors(of: source, form) { source throws(WeightsError) in
                try QwenImageTransformer2DModel(configuration: model.transformer, source: source, backend: Meter())
                    .loadAll()
            }
        }
        return Component(folder: Part.transformer.rawValue, baseName: "diffusion_pytorch_model", tensors: tensors)
    }

    private static func textEncoder(of model: ModelFolder, _ form: WeightForm) throws(PipelineError) -> Component {
        let configuration = try Qwen25VLConfiguration(folder: model.folder.appendingPathComponent("text_encoder"))
        let tensors = try PipelineError.converting { () throws(WeightsError) -> [PlannedTensor] in
            try Self.tensors(of: model.textEncoderSource, form) { source throws(WeightsError) in
                try Qwen25VLTextEncoder.loadAll(
                    configuration, source: source, captioner: model.defaults.captioner ?? true)
            }
        }
        return Component(folder: Part.textEncoder.rawValue, baseName: "model", tensors: tensors)
    }

    /// Bytes that will be read.
    public var sourceBytes: Int { components.flatMap(\.tensors).reduce(0) { $0 + $1.source.storedByteCount } }
    /// Bytes that will be written, headers and small files apart.
    public var targetBytes: Int { components.flatMap(\.tensors).reduce(0) { $0 + $1.byteCount } }

    /// The matrices that are converted, the component's folder before their names.
    public var convertedMatrices: [PlannedTensor] {
        components.flatMap { component in
            component.tensors.filter { $0.form != nil }.map {
                PlannedTensor(name: "\(component.folder).\($0.name)", source: $0.source, form: $0.form)
            }
        }
    }

    /// Writes all of it into `folder`, which is there and empty; of a single component what its own folder holds.
    ///
    /// - Parameters:
    ///   - shardBytes: of tensors in one file, at most.
    ///   - convert: makes a matrix in a form; it is given the matrix's name too, the component's folder before it.
    ///   - progress: called after each tensor.
    ///   - cancellation: looked at between tensors.
    /// - Throws: `cancelled`, or what a damaged source or a full disk throws; what is in `folder` then is not a model.
    public func write(
        to folder: URL, shardBytes: Int,
        convert: (String, HostTensor, WeightForm) throws(TensorError) -> HostTensor,
        progress: (Progress) -> Void = { _ in }, cancellation: Cancellation? = nil
    ) throws(PipelineError) {
        try copySmallFiles(to: folder)
        let total = sourceBytes
        var done = 0
        for component in components {
            let target = part == nil ? folder.appendingPathComponent(component.folder) : folder
            let writer = ComponentWriter(
                folder: target, baseName: component.baseName, tensors: component.tensors, shardBytes: shardBytes)
            try PipelineError.converting { () throws(WeightsError) in
                try writer.write { tensor, form throws(WeightsError) in
                    do throws(TensorError) {
                        return try convert("\(component.folder).\(tensor.name)", tensor.source, form)
                    } catch {
                        throw .conversion(tensor: tensor.name, file: component.folder, problem: error)
                    }
                } written: { tensor throws(WeightsError) in
                    if cancellation?.isCancelled == true { throw .tensor(.cancelled) }
                    done += tensor.source.storedByteCount
                    progress(Progress(component: component.folder, doneBytes: done, totalBytes: total))
                }
            }
        }
    }

    /// All tensors of a source; those that the model takes as blocks' large matrices are converted.
    private static func tensors(
        of source: any TensorSource, _ form: WeightForm?, load: (any TensorSource) throws(WeightsError) -> Void
    ) throws(WeightsError) -> [PlannedTensor] {
        let asked = AskedMatrices(source: source)
        try load(asked)
        let matrices = asked.matrices
        return try source.names.map { name throws(WeightsError) in
            PlannedTensor(
                name: name, source: try source.tensor(named: name), form: matrices.contains(name) ? form : nil)
        }
    }

    /// Everything that is no weight: configurations, tokenizer, scheduler; of a single component its configuration.
    private func copySmallFiles(to folder: URL) throws(PipelineError) {
        let all = ["", "transformer", "text_encoder", "vae", "tokenizer", "processor", "scheduler"]
        for component in part.map({ [$0.rawValue] }) ?? all {
            let from = component.isEmpty ? model.folder : model.folder.appendingPathComponent(component)
            let to = component.isEmpty || part != nil ? folder : folder.appendingPathComponent(component)
            do {
                try FileManager.default.createDirectory(at: to, withIntermediateDirectories: true)
                let names = (try? FileManager.default.contentsOfDirectory(atPath: from.path)) ?? []
                for name in names.sorted() where Self.isSmallFile(from.appendingPathComponent(name)) {
                    let data = try Data(contentsOf: from.appendingPathComponent(name))
                    try data.write(to: to.appendingPathComponent(name))
                }
            } catch {
                throw .model(
                    file: component.isEmpty ? "the folder" : component,
                    problem: "cannot be copied: \(error.localizedDescription)")
            }
        }
    }

    /// Largest file that is copied along: tokenizers have a few MB.
    private static let smallFileBytes = 64 << 20
    private static let weightSuffixes = [".safetensors", ".index.json", ".bin", ".pt", ".pth", ".ckpt", ".gguf"]

    private static func isSmallFile(_ file: URL) -> Bool {
        let name = file.lastPathComponent
        guard !name.hasPrefix("."), !weightSuffixes.contains(where: name.hasSuffix) else { return false }
        let resolved = file.resolvingSymlinksInPath()
        let values = try? resolved.resourceValues(forKeys: [.isRegularFileKey, .fileSizeKey])
        return values?.isRegularFile == true && (values?.fileSize ?? .max) <= smallFileBytes
    }
}

/// Notes which tensors a model takes as large matrices of blocks.
private final class AskedMatrices: TensorSource {
    private let source: any TensorSource
    private let noted = Mutex<Set<String>>([])

    init(source: any TensorSource) {
        self.source = source
    }

    var matrices: Set<String> { noted.withLock { $0 } }
    var location: String { source.location }
    var names: [String] { source.names }
    func contains(_ name: String) -> Bool { source.contains(name) }
    func tensor(named name: String) throws(WeightsError) -> HostTensor { try source.tensor(named: name) }

    func tensor(named name: String, shape: Shape) throws(WeightsError) -> HostTensor {
        try source.tensor(named: name, shape: shape)
    }

    func blockMatrix(named name: String, shape: Shape) throws(WeightsError) -> HostTensor {
        noted.withLock { _ = $0.insert(name) }
        return try source.tensor(named: name, shape: shape)
    }
}
