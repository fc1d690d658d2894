import ImageCodecs
import LayerFitting
import QwenImage
import ServiceAPI

/// The layers that `mica fit` fits: pictures, or what a file of layers holds.
struct FitLayers {
    /// Bottom first, all of one size.
    let stack: [PixelBuffer]
    /// The paths of everything that was read.
    let files: [String]
    /// What the stack was in; nil for pictures.
    private let tree: LayerTree?

    /// Reads pictures, each a layer and named by its place, or one file, folder or manifest of layers. Throws
    /// `CommandError.cannotRead`.
    static func read(_ paths: [String], _ cancellation: Cancellation) throws -> FitLayers {
        guard paths.count == 1, let path = paths.first else {
            let stack = try paths.map { path in
                try cancellation.check()
                return try PictureFile.read(path)
            }
            return FitLayers(pictures: stack, files: paths)
        }
        if let source = try LayerSource(folderOrManifest: path) { return try FitLayers(source, at: path) }
        let bytes = try InputFile.read(path, limit: LayerReadOptions.defaultMaximumByteCount)
        guard LayerFileReader.isFileOfLayers(bytes) else {
            return FitLayers(pictures: [try PictureFile.decoded(bytes, of: path)], files: paths)
        }
        return try FitLayers(LayerSource(bytes, of: path), at: path)
    }

    /// A model's sizes are multiples of a number, so that their shape is never quite the picture's.
    private static let usualStretch = 1.25

    /// A word about layers of quite another shape than the picture's, which may well be another one's; nil for others.
    func doubt(about picture: PixelBuffer) -> String? {
        guard let layer = stack.first else { return nil }
        let stretch = Double(layer.width * picture.height) / Double(layer.height * picture.width)
        guard max(stretch, 1 / stretch) > Self.usualStretch else { return nil }
        return
            "the layers have \(layer.width)x\(layer.height) pixels and the picture \(picture.width)x\(picture.height):"
            + " they were stretched; are they this picture's?"
    }

    private init(pictures: [PixelBuffer], files: [String]) {
        (stack, self.files, tree) = (pictures, files, nil)
    }

    /// Throws `CommandError.cannotRead` for layers that are not laid over one another as they are: fitted, they would
    /// be another picture.
    private init(_ source: LayerSource, at path: String) throws {
        let tree = source.layers.tree.withoutFileGroup()
        // Before each of them takes as much memory as the canvas.
        guard tree.layers.count <= LayerFitter.largestCount else {
            throw CommandError.cannotRead(
                path: path,
                reason: "it has \(tree.layers.count) layers, more than the \(LayerFitter.largestCount)"
                    + " that can be fitted")
        }
        if let reason = Self.obstacle(in: tree.nodes) { throw CommandError.cannotRead(path: path, reason: reason) }
        do {
            stack = try tree.layers.map { (layer) throws(ImageError) in
                try layer.onCanvas(width: tree.width, height: tree.height)
            }
        } catch {
            throw CommandError.cannotRead(path: path, reason: error.description)
        }
        files = source.paths
        self.tree = tree
    }

    /// Why the nodes are no plain stack; nil if they are one.
    private static func obstacle(in nodes: [LayerNode]) -> String? {
        for node in nodes {
            var words: [String] = []
            if !node.isVisible { words.append("is hidden") }
            if node.opacity != 255 { words.append("is not at full opacity") }
            if node.isClipped { words.append("is clipped") }
            switch node {
            case .layer(let layer):
                if layer.blendMode != .normal { words.append("has the blend mode \(layer.blendMode.rawValue)") }
            case .group(let group):
                if case .isolated(let mode) = group.blending, mode != .normal {
                    words.append("has the blend mode \(mode.rawValue)")
                }
                if words.isEmpty, let inner = obstacle(in: group.children) { return inner }
            }
            guard words.isEmpty else {
                return "\"\(node.name)\" \(words.joined(separator: " and ")); only plain layers can be fitted"
            }
        }
        return nil
    }

    /// The fitted stack, as many as there were, in the groups and under the names that the layers have; without those
    /// that hold nothing if they are to be dropped.
    func tree(of fitted: [PixelBuffer], dropsEmpty: Bool) throws(ImageError) -> LayerTree {
        guard let canvas = fitted.first, fitted.count == stack.count else {
            preconditionFailure("\(fitted.count) layers were fitted of \(stack.count)")
        }
        let isAnyFilled = fitted.contains { !$0.isEmpty }
        // A picture of nothing still has a layer.
        let isKept = fitted.enumerated().map { index, pixels in
            !dropsEmpty || !pixels.isEmpty || !isAnyFilled && index == 0
        }
        guard let tree else { return try LayerTree(layers: Self.named(zip(fitted, isKept).filter { $1 }.map { $0.0 })) }
        var left = zip(fitted, isKept).makeIterator()
        func replaced(_ nodes: [LayerNode]) -> [LayerNode] {
            nodes.compactMap { node in
                switch node {
                case .group(var group):
                    group.children = replaced(group.children)
                    return group.children.isEmpty ? nil : .group(group)
                case .layer(let layer):
                    guard let (pixels, isKept) = left.next(), isKept else { return nil }
                    return .layer(ImageLayer(name: layer.name, pixels: pixels))
                }
            }
        }
        return try LayerTree(width: canvas.width, height: canvas.height, nodes: replaced(tree.nodes))
    }

    private static func named(_ stack: [PixelBuffer]) -> [ImageLayer] {
        stack.enumerated().map { index, pixels in
            ImageLayer(name: index == 0 ? "background" : "layer \(index + 1)", pixels: pixels)
        }
    }
}
