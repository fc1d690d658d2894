import ImageCodecs

/// The layers of a result as files with names, groups as folders, and the description that fits them.
struct ResultArchive {
    private var manifest: ResultManifest
    private let forms: ResultForms
    private var folders: [Int: String] = [:]
    private var contents: [[UInt8]] = []

    /// Files of the layers that `manifest` describes; `file` gives a layer's PNG as it is kept, `tree` the layers of an
    /// image (1 for the first).
    init(
        _ manifest: ResultManifest, options: FileOptions, file: (String) throws(ServiceError) -> [UInt8],
        tree: (Int) throws(ServiceError) -> LayerTree
    ) throws(ServiceError) {
        self.manifest = manifest
        forms = ResultForms(manifest, options: options)
        for group in manifest.groups ?? [] { folders[group.id] = folder(of: group) }
        var trees: [Int: [ImageLayer]] = [:]
        for index in manifest.layers.indices {
            let entry = manifest.layers[index]
            if options.keepsLayers {
                let (png, texts) = (try file(entry.file), forms.texts)
                contents.append(try Self.encoding { () throws(ImageError) in try PNGTexts.inserting(texts, into: png) })
            } else {
                if trees[entry.image] == nil { trees[entry.image] = try tree(entry.image).layers }
                guard let layers = trees[entry.image], layers.indices.contains(entry.index - 1) else {
                    throw .damagedResult
                }
                try add(layers[entry.index - 1], at: index)
            }
            self.manifest.layers[index].file = path(entry)
        }
    }

    private mutating func add(_ layer: ImageLayer, at index: Int) throws(ServiceError) {
        let (forms, width, height) = (forms, manifest.width, manifest.height)
        if forms.options.isTrimmed {
            let trimmed = layer.trimmed()
            (manifest.layers[index].x, manifest.layers[index].y) = (trimmed.x, trimmed.y)
            contents.append(try Self.encoding { () throws(ImageError) in try forms.layer(trimmed) })
        } else {
            contents.append(
                try Self.encoding { () throws(ImageError) in
                    let pixels = try layer.onCanvas(width: width, height: height)
                    return try forms.layer(ImageLayer(name: layer.name, pixels: pixels))
                })
        }
    }

    /// The files under their names, the description first.
    func files(description name: String) -> [(name: String, bytes: [UInt8])] {
        [(name, JSONText.bytes(manifest))] + zip(manifest.layers, contents).map { ($0.file, $1) }
    }

    /// A ZIP with `manifest.json` first; the same bytes for the same result.
    func bytes() throws(ServiceError) -> [UInt8] {
        var repeatable = self
        // Times differ from run to run.
        repeatable.manifest.seconds = nil
        repeatable.manifest.psd = []
        return try Self.encoding { () throws(ImageError) in
            var writer = ZIPWriter()
            for (index, file) in repeatable.files(description: LayerManifest.fileName).enumerated() {
                // Pictures are compressed already.
                try writer.add(file.name, file.bytes, compression: index == 0 ? .deflated : .stored)
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

    private static func encoding<Value>(_ make: () throws(ImageError) -> Value) throws(ServiceError) -> Value {
        do throws(ImageError) {
            return try make()
        } catch {
            throw .encoding(error)
        }
    }
}
