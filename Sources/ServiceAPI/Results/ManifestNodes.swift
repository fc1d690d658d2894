import ImageCodecs

/// The layers and groups of trees as a manifest lists them.
struct ManifestNodes {
    private(set) var layers: [ResultManifest.Layer] = []
    private(set) var groups: [LayerManifest.Group] = []
    /// The name of a layer's part, by image and index, both from 0.
    private let part: (Int, Int) -> String

    init(_ trees: [LayerTree], part: @escaping (_ image: Int, _ index: Int) -> String) {
        self.part = part
        for (image, tree) in trees.enumerated() {
            var count = 0
            add(tree.nodes, image: image, group: nil, path: [], &count)
        }
    }

    private mutating func add(
        _ nodes: [LayerNode], image: Int, group: Int?, path: [String], _ count: inout Int
    ) {
        for node in nodes {
            switch node {
            case .layer(let layer):
                add(layer, image: image, index: count, group: group, path: path)
                count += 1
            case .group(let inner):
                let id = groups.count + 1
                let mode: String? =
                    switch inner.blending {
                    case .passThrough: LayerManifest.passThrough
                    case .isolated(.normal): nil
                    case .isolated(let own): own.rawValue
                    }
                groups.append(
                    LayerManifest.Group(
                        id: id, name: inner.name, group: group, opacity: Self.share(inner.opacity),
                        visible: inner.isVisible ? nil : false, blendMode: mode))
                add(inner.children, image: image, group: id, path: path + [inner.name], &count)
            }
        }
    }

    private mutating func add(_ layer: ImageLayer, image: Int, index: Int, group: Int?, path: [String]) {
        let part = part(image, index)
        let box = layer.visibleBox.map { ResultManifest.Box(x: $0.x, y: $0.y, width: $0.width, height: $0.height) }
        layers.append(
            ResultManifest.Layer(
                image: image + 1, index: index + 1, name: layer.name, groups: path.isEmpty ? nil : path,
                part: part, file: "\(part).png", box: box, opacity: Self.share(layer.opacity),
                visible: layer.isVisible ? nil : false,
                blendMode: layer.blendMode == .normal ? nil : layer.blendMode.rawValue,
                clipped: layer.isClipped ? true : nil, group: group))
    }

    /// Nil for all of it; four digits tell every value from its neighbours.
    private static func share(_ opacity: UInt8) -> Double? {
        opacity == 255 ? nil : (Double(opacity) / 255 * 1e4).rounded() / 1e4
    }
}
