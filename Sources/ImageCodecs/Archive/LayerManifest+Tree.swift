extension LayerManifest {
    /// Makes a tree of the pictures that the manifest names, with `read` giving a file's bytes.
    ///
    /// `image` chooses among several results, 1 being the first. Throws `ImageError`, that of `read` among them.
    public func tree(
        image: Int = 1, options: LayerReadOptions = LayerReadOptions(),
        read: (String) throws(ImageError) -> [UInt8]
    ) throws(ImageError) -> LayerTree {
        let wanted = layers.filter { ($0.image ?? 1) == image }
        let count = layers.map { $0.image ?? 1 }.max() ?? 0
        guard !wanted.isEmpty || count < 1 else { throw .noPicture(number: image, count: count) }
        guard (1...LayerTree.maximumNodes).contains(wanted.count) else {
            throw .countOutOfRange(what: "layers of image \(image)", count: wanted.count, limit: LayerTree.maximumNodes)
        }
        var canvas: (width: Int, height: Int)?
        guard (width == nil) == (height == nil) else {
            throw Self.damaged(
                "it gives a \(width == nil ? "height" : "width") alone, and a canvas has both or neither")
        }
        if let width, let height {
            try options.checkCanvas(width: width, height: height, format: .layerManifest)
            canvas = (width, height)
        }
        var pictures = LayerPictures(options)
        var builder = try GroupBuilder(groups ?? [])
        for entry in wanted {
            let layer = try layer(entry, &pictures, read)
            if canvas == nil, let pixels = layer.pixels { canvas = (pixels.width, pixels.height) }
            try builder.add(layer, to: entry.group)
        }
        guard let canvas else { throw Self.damaged("it does not say how large the canvas is") }
        try options.checkCanvas(width: canvas.width, height: canvas.height, format: .layerManifest)
        return try options.checked(
            LayerTree(width: canvas.width, height: canvas.height, nodes: builder.finished()))
    }

    fileprivate static func damaged(_ detail: String) -> ImageError { .damaged(.layerManifest, detail: detail) }

    private func layer(
        _ entry: Layer, _ pictures: inout LayerPictures, _ read: (String) throws(ImageError) -> [UInt8]
    ) throws(ImageError) -> ImageLayer {
        let offsets = -LayerTree.maximumOffset...LayerTree.maximumOffset
        guard offsets.contains(entry.x ?? 0), offsets.contains(entry.y ?? 0) else {
            throw Self.damaged("an offset beyond \(LayerTree.maximumOffset) pixels")
        }
        let file = entry.file.hasPrefix("./") ? String(entry.file.dropFirst(2)) : entry.file
        let pixels = try pictures.pixels(of: file, named: file, read: read)
        let mode = entry.blendMode ?? BlendMode.normal.rawValue
        return ImageLayer(
            name: LayerTree.name(entry.name ?? file, orElse: "layer"), pixels: pixels, x: entry.x ?? 0,
            y: entry.y ?? 0, opacity: try Self.opacity(entry.opacity), isVisible: entry.visible ?? true,
            blendMode: try Self.blendMode(mode), isClipped: entry.clipped ?? false)
    }

    /// The mode of that name; `others` is known beside them, for the message.
    fileprivate static func blendMode(_ text: String, orElse others: [String] = []) throws(ImageError) -> BlendMode {
        guard let mode = BlendMode(rawValue: text) else {
            let known = (BlendMode.allCases.map(\.rawValue) + others).joined(separator: ", ")
            throw damaged("the blend mode \"\(text.prefix(40))\" is none of \(known)")
        }
        return mode
    }

    fileprivate static func opacity(_ value: Double?) throws(ImageError) -> UInt8 {
        let value = value ?? 1
        guard value >= 0, value <= 1 else { throw damaged("an opacity that is not from 0 to 1") }
        return UInt8((value * 255).rounded())
    }

    /// Puts layers, bottom first, into the groups that they name.
    private struct GroupBuilder {
        private let groups: [Int: Group]
        /// The groups that are open, outermost first, and what each holds; the canvas' nodes come first.
        private var open: [Int] = []
        private var nodes: [[LayerNode]] = [[]]
        private var closed: Set<Int> = []

        init(_ list: [Group]) throws(ImageError) {
            guard list.count <= LayerTree.maximumNodes else {
                throw .countOutOfRange(what: "groups", count: list.count, limit: LayerTree.maximumNodes)
            }
            var groups: [Int: Group] = [:]
            for group in list {
                let former = groups.updateValue(group, forKey: group.id)
                guard former == nil else { throw damaged("two groups of one id") }
            }
            self.groups = groups
        }

        mutating func add(_ layer: ImageLayer, to group: Int?) throws(ImageError) {
            let path = try path(to: group)
            var shared = 0
            while shared < min(path.count, open.count), path[shared] == open[shared] { shared += 1 }
            while open.count > shared { try close() }
            for id in path[shared...] {
                guard !closed.contains(id) else { throw damaged("the layers of group \(id) are not neighbours") }
                open.append(id)
                nodes.append([])
            }
            nodes[nodes.count - 1].append(.layer(layer))
        }

        mutating func finished() throws(ImageError) -> [LayerNode] {
            while !open.isEmpty { try close() }
            return nodes[0]
        }

        /// The groups from the canvas to `id`.
        private func path(to id: Int?) throws(ImageError) -> [Int] {
            var path: [Int] = []
            var next = id
            while let id = next {
                guard let group = groups[id] else { throw damaged("there is no group \(id)") }
                guard path.count < LayerTree.maximumDepth else { throw damaged("groups too deep or in themselves") }
                path.append(id)
                next = group.group
            }
            return path.reversed()
        }

        private mutating func close() throws(ImageError) {
            guard let id = open.popLast(), let children = nodes.popLast(), let group = groups[id] else { return }
            closed.insert(id)
            var blending = LayerGroup.Blending.passThrough
            if group.blendMode != passThrough {
                let mode = group.blendMode ?? BlendMode.normal.rawValue
                blending = .isolated(try blendMode(mode, orElse: [passThrough]))
            }
            nodes[nodes.count - 1].append(
                .group(
                    LayerGroup(
                        name: LayerTree.name(group.name ?? "", orElse: "group \(id)"), children: children,
                        opacity: try opacity(group.opacity), isVisible: group.visible ?? true, blending: blending)))
        }
    }
}
