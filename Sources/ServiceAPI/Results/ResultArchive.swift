import ImageCodecs

/// The ZIP of a result: `manifest.json`, then the layers, groups as folders; the same bytes for the same result.
struct ResultArchive {
    private var manifest: ResultManifest
    private let forms: ResultForms
    private var folders: [Int: String] = [:]

    /// An archive that `manifest` describes.
    init(_ manifest: ResultManifest, options: FileOptions) {
        self.manifest = manifest
        // Times differ from run to run.
        self.manifest.seconds = nil
        forms = ResultForms(manifest, options: options)
        for group in manifest.groups ?? [] { folders[group.id] = folder(of: group) }
    }

    /// The archive's bytes; `file` gives a layer's PNG as it is kept, `tree` the layers of an image (1 for the first).
    mutating func bytes(
        file: (String) throws(ServiceError) -> [UInt8], tree: (Int) throws(ServiceError) -> LayerTree
    ) throws(ServiceError) -> [UInt8] {
        var trees: [Int: [ImageLayer]] = [:]
        var contents: [[UInt8]] = []
        for index in manifest.layers.indices {
            let entry = manifest.layers[index]
            if forms.options.keepsLayers {
                let png = try file(entry.file)
                contents.append(try encoding { () throws(ImageError) in try PNGTexts.inserting(forms.texts, into: png) })
            } else {
                if trees[entry.image] == nil { trees[entry.image] = try tree(entry.image).layers }
                guard let layers = trees[entry.image], layers.indices.contains(entry.index - 1) else {
                    throw .damagedResult
                }
                let layer = forms.options.isTrimmed ? layers[entry.index - 1].trimmed() : layers[entry.index - 1]
                contents.append(try encoding { () throws(ImageError) in try forms.layer(layer) })
                if layer.x != 0 || layer.y != 0 {
                    manifest.layers[index].x = layer.x
                    manifest.layers[index].y = layer.y
                }
            }
            manifest.layers[index].file = path(entry)
        }
        let (manifest, layers) = (manifest, contents)
        return try encoding { () throws(ImageError) in
            var writer = ZIPWriter()
            try writer.add(LayerManifest.fileName, JSONText.bytes(manifest), compression: .deflated)
            for (entry, bytes) in zip(manifest.layers, layers) {
                // Pictures are compressed already.
                try writer.add(entry.file, bytes, compression: .stored)
            }
            return writer.finish()
        }
    }

    private func path(_ entry: ResultManifest.Layer) -> String {
        let folder = entry.group.flatMap { folders[$0] } ?? ""
        return folder + "\(entry.part).\(forms.options.layerFormat.rawValue)"
    }

    /// The folders' names, outermost first, each with a slash; unique by the id.
    private func folder(of group: LayerManifest.Group) -> String {
        var path = ""
        var next: LayerManifest.Group? = group
        var depth = 0
        while let group = next, depth < LayerTree.maximumDepth {
            path = "\(group.id) \(Self.plain(group.name ?? "group"))/" + path
            next = manifest.groups?.first { $0.id == group.group }
            depth += 1
        }
        return path
    }

    /// What every file system takes: letters, digits, marks of CJK and others, no separators.
    private static func plain(_ name: String) -> String {
        let kept = name.map { character in
            character.isLetter || character.isNumber || "-_., ".contains(character) ? character : "_"
        }
        return String(kept.prefix(40)).replacing(/[. ]+$/, with: "")
    }

    private func encoding<Value>(_ make: () throws(ImageError) -> Value) throws(ServiceError) -> Value {
        do throws(ImageError) {
            return try make()
        } catch {
            throw .encoding(error)
        }
    }
}
