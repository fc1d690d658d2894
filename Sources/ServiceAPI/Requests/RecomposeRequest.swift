import HTTPProtocol
import ImageCodecs
import QwenImage

/// What a request to put layers together asks for.
struct RecomposeRequest: Sendable {
    /// The forms of the answer.
    enum Form: String, CaseIterable, Sendable {
        case png
        case webp
        case jpeg
        case psd
        case psb
        case ora
        case pptx
        case zip
        case sheet

        /// Whether it is one picture without layers.
        var isFlat: Bool { [.png, .webp, .jpeg].contains(self) }

        var mediaType: String {
            switch self {
            case .png, .webp, .jpeg: "image/\(rawValue)"
            case .psd: ResultFormat.psd.mediaType
            case .psb: ResultFormat.psb.mediaType
            case .ora: ResultFormat.ora.mediaType
            case .pptx: ResultFormat.pptx.mediaType
            case .zip: ResultFormat.zip.mediaType
            case .sheet: ResultFormat.sheet.mediaType
            }
        }
    }

    private static let names = ["format", "image", "background", "quality", "rounding"]
    /// The answer's field that says how a flat picture was rounded.
    private static let roundingField = "Mica-Rounding"
    /// The answer's field that says how far a flat picture is from the one that the file carries.
    private static let differenceField = "Mica-Difference"
    private static let mostImages = 1_000
    private static let fileName = "file"
    private static let manifestName = "manifest"
    /// What a whole body of a file of layers may be called.
    private static let fileTypes: Set<String> = [
        "application/zip", "application/octet-stream", "image/vnd.adobe.photoshop", "image/openraster", "image/x-psb",
        "application/x-zip-compressed", "image/x-photoshop", "application/photoshop",
    ]

    private let form: Form
    private let image: Int
    private let flat: FlatPicture
    private let rounding: Rounding
    /// Nil for a body that is one file.
    private let formType: MediaType?

    init(_ head: RequestHead) throws(ServiceError) {
        guard head.hasBody else { throw .emptyBody(.layers) }
        formType = try Self.formType(head)
        let query = try RequestQuery(head)
        try query.allowOnly(Self.names)
        image = try query.integer("image", 1...Self.mostImages, usual: 1)
        var flat = FlatPicture()
        flat.quality = try query.integer("quality", FlatPicture.qualities, usual: flat.quality)
        if let text = try query.value("background") {
            guard let color = FlatPicture.Color(text) else {
                throw .unreadableParameter(
                    name: "background", value: ParameterText.shortened(text), expected: "a colour such as ffffff")
            }
            flat.background = color
        }
        self.flat = flat
        rounding = try Self.rounding(query)
        if let text = try query.value("format") {
            guard let form = Form(rawValue: text) else { throw .notAcceptable(known: Form.allCases.map(\.rawValue)) }
            self.form = form
        } else {
            let best = AcceptField(head.fields).best(of: Form.allCases.map(\.mediaType))
            guard let form = Form.allCases.first(where: { $0.mediaType == best }) else {
                throw .notAcceptable(known: Form.allCases.map(\.mediaType))
            }
            self.form = form
        }
    }

    private static func rounding(_ query: RequestQuery) throws(ServiceError) -> Rounding {
        guard let text = try query.value("rounding") else { return .auto }
        guard let rounding = Rounding(rawValue: text) else {
            throw .unreadableParameter(
                name: "rounding", value: ParameterText.shortened(text),
                expected: "one of \(Rounding.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return rounding
    }

    private static func formType(_ head: RequestHead) throws(ServiceError) -> MediaType? {
        guard let type = try RequestHeaders.contentType(head.fields) else { return nil }
        if type.essence == "multipart/form-data" { return type }
        guard fileTypes.contains(type.essence) else {
            throw .unsupportedMediaType(type.essence, readable: .layers)
        }
        return nil
    }

    /// Reads the layers and makes the answer; takes time and memory. Throws soon after `isCancelled` says that nobody
    /// waits any more.
    func answer(
        _ body: [UInt8], limits: LayerReadOptions, isCancelled: @Sendable () -> Bool
    ) throws(ServiceError) -> Response {
        guard !isCancelled() else { throw .pipeline(.cancelled) }
        let layers = try layers(body, limits)
        guard !isCancelled() else { throw .pipeline(.cancelled) }
        guard form.isFlat else {
            return file(try ServiceError.whileEncoding { () throws(ImageError) in try encoded(layers.tree) })
        }
        guard let flat = layers.flattened(rounding, isCancelled: isCancelled) else { throw .pipeline(.cancelled) }
        var response = file(try ServiceError.whileEncoding { () throws(ImageError) in try encoded(flat.pixels) })
        response.fields.append((Self.roundingField, flat.rounding.rawValue))
        if let difference = flat.difference {
            let share = (difference.pixelShare * 1e4).rounded(.up) / 1e4
            response.fields.append((Self.differenceField, "share=\(share), levels=\(difference.levels)"))
        }
        return response
    }

    private func file(_ bytes: [UInt8]) -> Response {
        Answer.file(bytes, type: form.mediaType, name: "picture.\(fileEnding)")
    }

    private var fileEnding: String {
        switch form {
        case .jpeg: "jpg"
        case .sheet: "png"
        default: form.rawValue
        }
    }

    private func encoded(_ pixels: PixelBuffer) throws(ImageError) -> [UInt8] {
        switch form {
        case .webp: try flat.webP(pixels)
        case .jpeg: try flat.jpeg(pixels)
        default: try flat.png(pixels)
        }
    }

    private func encoded(_ tree: LayerTree) throws(ImageError) -> [UInt8] {
        switch form {
        case .png, .webp, .jpeg: preconditionFailure("flat pictures are made of pixels")
        case .psd: try TreeForm.psd.encode(tree)
        case .psb: try TreeForm.psb.encode(tree)
        case .ora: try TreeForm.ora.encode(tree)
        case .pptx: try TreeForm.pptx.encode(tree)
        case .zip: try TreeForm.zip.encode(tree)
        case .sheet: try ContactSheet.png(tree)
        }
    }

    // MARK: Reading

    private func layers(_ body: [UInt8], _ limits: LayerReadOptions) throws(ServiceError) -> LayerFile {
        guard let formType else { return try read(body, limits) }
        let parts: [MultipartPart]
        do {
            parts = try MultipartParser.parse(body[...], mediaType: formType)
        } catch {
            throw .multipart(error)
        }
        let files = parts.filter { $0.name == Self.fileName }
        let manifests = parts.filter { $0.name == Self.manifestName }
        guard files.count <= 1 else { throw .repeatedParameter(name: Self.fileName) }
        guard manifests.count <= 1 else { throw .repeatedParameter(name: Self.manifestName) }
        if let file = files.first { return try read(Array(file.content), limits) }
        guard let manifest = manifests.first else { throw .missingLayers }
        return LayerFile(try read(manifest, parts, limits))
    }

    private func read(_ file: [UInt8], _ limits: LayerReadOptions) throws(ServiceError) -> LayerFile {
        do {
            return try LayerFileReader.readFile(file, image: image, options: limits)
        } catch {
            throw .layers(error)
        }
    }

    /// A manifest and the pictures that it names, by the names of their files or fields.
    private func read(
        _ manifest: MultipartPart, _ parts: [MultipartPart], _ limits: LayerReadOptions
    ) throws(ServiceError) -> LayerTree {
        do {
            return try LayerManifest(Array(manifest.content)).tree(image: image, options: limits) {
                (name) throws(ImageError) in
                guard let part = parts.first(where: { $0.fileName == name || $0.name == name }) else {
                    throw .damaged(.layerManifest, detail: "the form has no file \"\(name.prefix(80))\"")
                }
                return Array(part.content)
            }
        } catch {
            throw .layers(error)
        }
    }
}
