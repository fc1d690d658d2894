import ImageCodecs

/// The layers of a result as files with names, groups as folders, and the description that fits them.
struct ResultArchive {
    private var manifest: ResultManifest
    private let forms: ResultForms
    private var folders: [Int: String] = [:]
    private var contents: [ResultBody] = []

    /// Files of the layers that `manifest` describes; `file` gives a layer's PNG with the notes that it should have,
    /// `tree` the layers of an image (1 for the first).
    init(
        _ manifest: ResultManifest, options: FileOptions,
        file: (String, [PNGOptions.Text]) throws(ServiceError) -> ResultBody,
        tree: (Int) throws(ServiceError) -> LayerTree
    ) throws(ServiceError) {
        self.manifest = manifest
        forms = ResultForms(manifest, options: options)
        for group in manifest.groups ?? [] { folders[group.id] = folder(of: group) }
        var trees: [Int: [ImageLayer]] = [:]
        for index in manifest.layers.indices {
            let entry = manifest.layers[index]
            if options.keepsLayers {
                contents.append(try file(entry.file, forms.texts))
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
            contents.append(
                ResultBody(try ServiceError.whileEncoding { () throws(ImageError) in try forms.layer(trimmed) }))
        } else {
            contents.append(
                ResultBody(
                    try ServiceError.whileEncoding { () throws(ImageError) in
                        let pixels = try layer.onCanvas(width: width, height: height)
                        return try forms.layer(ImageLayer(name: layer.name, pixels: pixels))
                    }))
        }
    }

    /// The files under their names, the description first.
    func files(description name: String) throws -> [(name: String, bytes: [UInt8])] {
        [(name, JSONText.bytes(manifest))]
            + (try Swift.zip(manifest.layers, contents).map { ($0.file, try $1.bytes()) })
    }

    /// A ZIP with `manifest.json` first; the same bytes for the same result.
    func zip() throws(ServiceError) -> ResultBody {
        var repeatable = manifest
        // Times differ from run to run.
        repeatable.seconds = nil
        repeatable.psd = []
        var (body, directory) = (ResultBody(), ZIPDirectory())
        let (header, data) = try ServiceError.whileEncoding { () throws(ImageError) in
            try directory.add(LayerManifest.fileName, JSONText.bytes(repeatable), compression: .deflated)
        }
        body.append(header)
        body.append(data)
        for (entry, content) in Swift.zip(manifest.layers, contents) {
            // The sum of its bytes comes before a file, which is therefore read twice.
            var crc: UInt32 = 0
            do {
                try content.forEachPiece { crc = ZIPDirectory.crc($0, continuing: crc) }
            } catch {
                throw .job(error)
            }
            // Pictures are compressed already.
            body.append(
                try ServiceError.whileEncoding { () throws(ImageError) in
                    try directory.add(entry.file, count: content.byteCount, crc: crc)
                })
            body.append(content)
        }
        body.append(directory.end())
        return body
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
            path = ResultNames.group(id: group.id, plainName: Self.plain(group.name ?? "group")) + "/" + path
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
}
