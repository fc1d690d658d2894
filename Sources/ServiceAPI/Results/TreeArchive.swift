import ImageCodecs

/// The files of layers that are no model's result: each layer's picture as it is, and the manifest that puts them
/// together again.
enum TreeArchive {
    private struct Manifest: Encodable {
        let width: Int
        let height: Int
        let layers: [ResultManifest.Layer]
        /// Nil without any.
        let groups: [LayerManifest.Group]?
    }

    /// `manifest.json` first, then the layers, bottom first. Throws `ImageError.cannotHold` for a clipped group.
    static func files(of tree: LayerTree) throws(ImageError) -> [(name: String, bytes: [UInt8])] {
        guard !hasClippedGroup(tree.nodes) else {
            throw .cannotHold(format: LayerManifest.fileName, what: "clipped groups")
        }
        let nodes = ManifestNodes([tree]) { ResultNames.layer($1, image: $0, of: 1) }
        var entries = nodes.layers
        for (index, layer) in tree.layers.enumerated() where layer.pixels != nil {
            (entries[index].x, entries[index].y) = (layer.x == 0 ? nil : layer.x, layer.y == 0 ? nil : layer.y)
        }
        let manifest = Manifest(
            width: tree.width, height: tree.height, layers: entries,
            groups: nodes.groups.isEmpty ? nil : nodes.groups)
        let pictures = try Parallel.map(tree.layers) { (layer) throws(ImageError) in
            try PNGEncoder.encode(layer.picture, options: PNGOptions(clearsTransparentColor: false))
        }
        return [(LayerManifest.fileName, JSONText.bytes(manifest))] + zip(entries, pictures).map { ($0.file, $1) }
    }

    /// The same files as a ZIP.
    static func zipped(_ tree: LayerTree) throws(ImageError) -> [UInt8] {
        var writer = ZIPWriter()
        for (index, file) in try files(of: tree).enumerated() {
            // Pictures are compressed already.
            try writer.add(file.name, file.bytes, compression: index == 0 ? .deflated : .stored)
        }
        return writer.finish()
    }

    private static func hasClippedGroup(_ nodes: [LayerNode]) -> Bool {
        nodes.contains { node in
            guard case .group(let group) = node else { return false }
            return group.isClipped || hasClippedGroup(group.children)
        }
    }
}
