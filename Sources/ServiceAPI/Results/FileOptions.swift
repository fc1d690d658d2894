import ImageCodecs

/// How the files of a result are to be written, whatever is in them.
public struct FileOptions: Sendable, Equatable {
    /// Names as queries spell them.
    enum Name: String, CaseIterable {
        case layerFormat = "layer_format"
        case trim
        case group
        case metadata
    }

    /// The format of single layers.
    public enum LayerFormat: String, Sendable, CaseIterable {
        /// PNG, which everything reads.
        case png
        /// WebP without loss, smaller and slower.
        case webp

        /// For `Content-Type`.
        var mediaType: String { "image/\(rawValue)" }
    }

    /// The format of single layers in a ZIP.
    public var layerFormat = LayerFormat.png
    /// Whether layers in a ZIP have nothing around their visible pixels; the manifest then says where they lie.
    public var isTrimmed = false
    /// Whether PSD and OpenRaster have one group around all layers, which one click hides.
    public var hasGroup = true
    /// Whether files say how they were made, the prompt included.
    public var hasMetadata = true

    /// The values that each property has by default.
    public init() {}

    /// Options of a query.
    init(_ query: RequestQuery) throws(ServiceError) {
        for name in Name.allCases {
            guard let text = try query.value(name.rawValue) else { continue }
            switch name {
            case .layerFormat:
                layerFormat = try ParameterText.choice(
                    text, name.rawValue, LayerFormat.allCases.map { ($0.rawValue, $0) })
            case .trim: isTrimmed = try ParameterText.boolean(text, name.rawValue)
            case .group: hasGroup = try ParameterText.boolean(text, name.rawValue)
            case .metadata: hasMetadata = try ParameterText.boolean(text, name.rawValue)
            }
        }
    }

    /// Whether single layers are written as they are kept.
    var keepsLayers: Bool { layerFormat == .png && !isTrimmed }
    /// Whether a PSD is written as it is kept.
    var keepsPSD: Bool { hasGroup && hasMetadata }
    /// Whether a result in this form is encoded anew, and not put together from what is kept.
    func converts(_ format: ResultFormat) -> Bool {
        switch format {
        case .zip: !keepsLayers
        case .psd, .multipart, .mixed: !keepsPSD
        case .psb, .ora, .pptx, .sheet: true
        case .json: false
        }
    }
    /// The same for the same options alone.
    var key: String { "\(layerFormat.rawValue) \(isTrimmed) \(hasGroup) \(hasMetadata)" }
    /// The name of the one group.
    static let groupName = "layers"
}

extension LayerTree {
    /// The tree without the one group that files of results have around all layers, if it does nothing.
    public func withoutFileGroup() -> LayerTree {
        guard nodes.count == 1, case .group(let group) = nodes[0], group.name == FileOptions.groupName,
            group == LayerGroup(name: group.name, children: group.children),
            let inner = try? LayerTree(width: width, height: height, nodes: group.children)
        else { return self }
        return inner
    }
}
