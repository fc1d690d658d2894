/// Makes a tree of a file's list of entries, bottom first.
struct PSDNodes {
    /// The nodes of each open group, the canvas' first.
    private var open: [[LayerNode]] = [[]]
    private var count = 0

    /// Adds the next entry above.
    mutating func add(_ record: PSDRecord, _ pixels: PSDPixels) throws(ImageError) {
        count += 1
        switch record.section {
        case .boundary:
            guard open.count <= LayerTree.maximumDepth else {
                throw .countOutOfRange(
                    what: "groups inside one another", count: open.count, limit: LayerTree.maximumDepth)
            }
            open.append([])
        case .openFolder, .closedFolder:
            guard open.count > 1, let children = open.popLast() else {
                throw .damaged(.photoshop, detail: "a group that does not begin")
            }
            append(.group(try group(record, children)))
        case .layer: append(.layer(try layer(record, pixels)))
        }
    }

    /// The nodes on the canvas.
    func finished() throws(ImageError) -> [LayerNode] {
        guard open.count == 1 else { throw .damaged(.photoshop, detail: "a group that does not end") }
        return open[0]
    }

    private mutating func append(_ node: LayerNode) { open[open.count - 1].append(node) }

    private func name(_ record: PSDRecord) -> String {
        LayerTree.name(record.name, orElse: record.section == .layer ? "layer \(count)" : "group \(count)")
    }

    private func group(_ record: PSDRecord, _ children: [LayerNode]) throws(ImageError) -> LayerGroup {
        let name = name(record)
        if record.isVisible {
            if let what = record.unsupported { throw unsupported(what, name) }
            if record.mask != nil { throw unsupported("a mask", name) }
        }
        let key = record.sectionMode ?? record.mode
        let blending: LayerGroup.Blending
        if key == LayerGroup.Blending.passThroughKey {
            blending = .passThrough
        } else {
            blending = .isolated(try mode(key, name))
        }
        return LayerGroup(
            name: name, children: children, opacity: UInt8(clamping: record.opacity), isVisible: record.isVisible,
            blending: blending, isClipped: record.isClipped)
    }

    private func layer(_ record: PSDRecord, _ pixels: PSDPixels) throws(ImageError) -> ImageLayer {
        let name = name(record)
        // What nobody sees may be what it likes.
        if record.isVisible, let what = record.unsupported { throw unsupported(what, name) }
        return ImageLayer(
            name: name, pixels: try pixels.pixels(of: record), x: record.box.left, y: record.box.top,
            opacity: UInt8(clamping: record.opacity), isVisible: record.isVisible,
            blendMode: record.isVisible ? try mode(record.mode, name) : BlendMode.byPSDKey[record.mode] ?? .normal,
            isClipped: record.isClipped)
    }

    private func mode(_ key: String, _ name: String) throws(ImageError) -> BlendMode {
        guard let mode = BlendMode.byPSDKey[key] else {
            let shown = key.filter { $0.isASCII && ($0.isLetter || $0.isNumber) }
            throw unsupported("the blend mode \"\(shown)\"", name)
        }
        return mode
    }

    private func unsupported(_ what: String, _ name: String) -> ImageError {
        .unsupportedFeature(
            .photoshop, detail: "\"\(name.prefix(60))\" has \(what); rasterize or merge it where it was made")
    }
}
