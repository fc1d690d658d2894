import Foundation

/// Opens a component's weights wherever they are.
public enum Checkpoint {
    /// Opens a folder in the public layout or with one file of any name, or a single file.
    ///
    /// - Parameters:
    ///   - prefixes: the first of these with which any tensor's name begins is taken off, and tensors without it are
    ///     hidden.
    ///   - name: what messages call it; its last path component if nil.
    ///   - gguf: what a GGUF file must be; nil takes safetensors alone.
    /// - Returns: the tensors, quantised matrices with their scales.
    /// - Throws: the errors of `CheckpointFolder`, of `CheckpointFile` and of `QuantizedSource`.
    public static func open(
        _ place: URL, prefixes: [String] = [], name: String? = nil, gguf: GGUFComponent? = nil
    ) throws(WeightsError) -> QuantizedSource {
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: place.path, isDirectory: &isFolder)
        if exists, !isFolder.boolValue {
            return try open(file: place, prefixes, name: name ?? place.lastPathComponent, gguf)
        }
        let location = name ?? place.lastPathComponent
        if case .gguf(let fileName) = try WeightFiles(folder: place, location: location).choose() {
            return try open(
                file: place.appending(path: fileName), prefixes, name: "\(location)/\(fileName)", gguf)
        }
        let folder = try CheckpointFolder(folder: place, name: name)
        let prefix = prefixes.first { prefix in folder.names.contains { $0.hasPrefix(prefix) } }
        guard let prefix else { return try QuantizedSource(folder, prefixes: prefixes) }
        let renamed = RenamedSource(folder) {
            $0.hasPrefix(prefix) ? String($0.dropFirst(prefix.count)) : nil
        }
        return try QuantizedSource(renamed, prefixes: prefixes)
    }

    private static func open(
        file: URL, _ prefixes: [String], name: String, _ gguf: GGUFComponent?
    ) throws(WeightsError) -> QuantizedSource {
        let source = try CheckpointFile(file: file, prefixes: prefixes, name: name, gguf: gguf)
        return try QuantizedSource(source, prefixes: prefixes)
    }
}
