import Foundation

/// Chooses among the files of a component's folder those that hold its weights.
struct WeightFiles {
    /// Where the weights are: one file, or an index that names the shards.
    enum Choice: Equatable {
        case single(String)
        case sharded(index: String)
        /// One file in GGUF.
        case gguf(String)
    }

    private let location: String
    private let fileNames: [String]

    /// Lists a folder. Throws `folderMissing` or `io`.
    init(folder: URL, location: String) throws(WeightsError) {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder), isFolder.boolValue else {
            throw .folderMissing(folder: location)
        }
        guard let fileNames = try? FileManager.default.contentsOfDirectory(atPath: folder.path) else {
            // Listing failed although the folder is there: it may not be read.
            throw .io(operation: "list", file: location, code: EACCES)
        }
        self.init(fileNames: fileNames, location: location)
    }

    init(fileNames: [String], location: String) {
        self.fileNames = fileNames.sorted()
        self.location = location
    }

    /// The plain files by the preference of the library that writes them; else the one variant (`.fp16.`), or the one
    /// file of any name, that there is.
    ///
    /// diffusers looks for an index before a single file, transformers the other way round.
    func choose() throws(WeightsError) -> Choice {
        let plain: [Choice] = [
            .sharded(index: "diffusion_pytorch_model.safetensors.index.json"),
            .single("diffusion_pytorch_model.safetensors"),
            .single("model.safetensors"),
            .sharded(index: "model.safetensors.index.json"),
        ]
        for choice in plain where fileNames.contains(choice.fileName) { return choice }

        let variants = fileNames.compactMap(Self.variant)
        guard variants.count <= 1 else {
            throw .ambiguousVariants(folder: location, files: variants.map(\.fileName))
        }
        if let variant = variants.first { return variant }

        // A file as it was fetched from elsewhere, under its own name.
        let others = fileNames.filter {
            $0.hasSuffix(".safetensors") && !$0.contains("-of-") && !$0.hasPrefix(".")
        }
        guard others.count <= 1 else { throw .ambiguousVariants(folder: location, files: others) }
        if let other = others.first { return .single(other) }

        if let shard = fileNames.first(where: { $0.hasSuffix(".safetensors") && $0.contains("-of-") }) {
            throw .indexMissing(folder: location, shard: shard)
        }
        let ggufs = fileNames.filter { $0.lowercased().hasSuffix(GGUFFile.suffix) && !$0.hasPrefix(".") }
        guard ggufs.count <= 1 else { throw .ambiguousVariants(folder: location, files: ggufs) }
        if let gguf = ggufs.first { return .gguf(gguf) }

        // What PyTorch writes without safetensors: loading such a file can run code.
        let pickles = [".bin", ".pt", ".pth", ".ckpt", ".bin.index.json"]
        let pickle = fileNames.first { name in pickles.contains { name.hasSuffix($0) } }
        throw .weightsMissing(folder: location, found: pickle)
    }

    /// `model.fp16.safetensors` or `model.safetensors.index.fp16.json`, the two ways in which a variant is spelled.
    private static func variant(_ fileName: String) -> Choice? {
        for base in ["diffusion_pytorch_model.", "model."] where fileName.hasPrefix(base) {
            let rest = fileName.dropFirst(base.count)
            if rest.hasPrefix("safetensors.index."), rest.hasSuffix(".json") { return .sharded(index: fileName) }
            if rest.hasSuffix(".safetensors"), !rest.contains("-of-") { return .single(fileName) }
        }
        return nil
    }
}

extension WeightFiles.Choice {
    /// The file that is opened first.
    fileprivate var fileName: String {
        switch self {
        case .single(let name): name
        case .sharded(let name): name
        case .gguf(let name): name
        }
    }
}
