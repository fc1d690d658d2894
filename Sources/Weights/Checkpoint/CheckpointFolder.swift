import Foundation
import TensorCore

/// A component's folder in the public layout: one safetensors file, or shards with an index.
///
/// All shards are opened at once (a header each), so that what is missing is known before work begins. Tensors that a
/// shard holds beyond the index are not shown.
public struct CheckpointFolder: TensorSource {
    /// What messages call the folder.
    public let location: String
    /// The names that the file or the index has, sorted.
    public let names: [String]
    /// The texts under `__metadata__` of the single file or the first shard.
    public let metadata: [String: String]
    /// The texts under `__metadata__` of every file.
    public var headerTexts: [[String: String]] { files.map(\.metadata) }
    private let files: [SafetensorsFile]
    /// Which of `files` holds a tensor.
    private let fileIndices: [String: Int]

    /// Opens a folder.
    ///
    /// - Parameter name: what messages call the folder, such as `text_encoder`; its last path component if nil.
    /// - Throws: `folderMissing`, the errors of `WeightFiles` and of `SafetensorsFile`, `shardMissing`, and
    ///   `tensorMissing` for a tensor that the index places where it is not.
    public init(folder: URL, name: String? = nil) throws(WeightsError) {
        let location = name ?? folder.lastPathComponent
        switch try WeightFiles(folder: folder, location: location).choose() {
        case .single(let fileName):
            let file = try SafetensorsFile(file: folder.appending(path: fileName), name: "\(location)/\(fileName)")
            self.files = [file]
            self.names = file.names
            self.fileIndices = Dictionary(uniqueKeysWithValues: file.names.map { ($0, 0) })
        case .gguf(let fileName): throw .weightsMissing(folder: location, found: fileName)
        case .sharded(let indexName):
            let index = try ShardIndex(file: folder.appending(path: indexName), name: "\(location)/\(indexName)")
            self.files = try Self.open(index, in: folder, location)
            self.names = index.shards.keys.sorted()
            self.fileIndices = index.shards
        }
        self.location = location
        self.metadata = files.first?.metadata ?? [:]
    }

    /// All files.
    public var mappings: [any HostMemory] { files.flatMap(\.mappings) }

    /// True if the file or the index has this name.
    public func contains(_ name: String) -> Bool {
        fileIndices[name] != nil
    }

    /// The tensor as a view of its shard's mapping. Throws `tensorMissing`.
    public func tensor(named name: String) throws(WeightsError) -> HostTensor {
        guard let index = fileIndices[name] else { throw .tensorMissing(tensor: name, file: location) }
        return try files[index].tensor(named: name)
    }

    /// The tensor, which must have this shape; a message names the shard that holds it. Throws as the other does, or
    /// `wrongShape`.
    public func tensor(named name: String, shape: Shape) throws(WeightsError) -> HostTensor {
        guard let index = fileIndices[name] else { throw .tensorMissing(tensor: name, file: location) }
        return try files[index].tensor(named: name, shape: shape)
    }

    private static func open(
        _ index: ShardIndex, in folder: URL, _ location: String
    ) throws(WeightsError) -> [SafetensorsFile] {
        var files: [SafetensorsFile] = []
        for fileName in index.files {
            let name = "\(location)/\(fileName)"
            do throws(WeightsError) {
                files.append(try SafetensorsFile(file: folder.appending(path: fileName), name: name))
            } catch .fileMissing {
                throw .shardMissing(shard: name, index: index.name)
            }
        }
        for (tensor, file) in index.shards.sorted(by: { $0.key < $1.key }) where !files[file].contains(tensor) {
            throw .tensorMissing(tensor: tensor, file: files[file].location)
        }
        return files
    }
}
