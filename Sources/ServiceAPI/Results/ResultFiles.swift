import Foundation
import HTTPProtocol
import ImageCodecs
import Jobs

/// The files that a job's result is kept as, and the forms that clients get it in.
///
/// `result.json` and `manifest.json` (the same without times), a PNG for each layer, and, unless it was not asked for,
/// a PSD for each image.
struct ResultFiles: Sendable {
    private let result: JobResult
    /// How the forms are written.
    private let options: FileOptions
    /// What stands between the parts of a form that has several; nil for something new each time.
    private let boundary: String?

    /// The files of a job that succeeded.
    init(_ result: JobResult, options: FileOptions = FileOptions(), boundary: String? = nil) {
        self.result = result
        self.options = options
        self.boundary = boundary
    }

    /// What is stored of a decomposition.
    static func files(of encoder: ResultEncoder, withPSD: Bool) throws(ImageError) -> [JobResultFile] {
        let json = ResultFormat.json.mediaType
        var files = [
            JobResultFile(name: ResultNames.description, mediaType: json, bytes: encoder.manifest()),
            JobResultFile(name: ResultNames.manifest, mediaType: json, bytes: encoder.repeatableManifest()),
        ]
        let parts = try encoder.layerParts() + (withPSD ? try encoder.psdParts() : [])
        for part in parts {
            files.append(
                JobResultFile(name: part.fileName ?? part.name, mediaType: part.mediaType, bytes: part.bytes))
        }
        return files
    }

    // MARK: Answers

    /// The result in the form that was asked for; `image` (1 for the first) matters for forms of one image.
    func response(as format: ResultFormat, image: Int = 1) throws(ServiceError) -> Response {
        var response: Response
        switch format {
        case .multipart, .mixed: response = try multipart(format)
        case .zip: response = Answer.file(try archive().zip(), type: format.mediaType, name: "layers.zip")
        case .psd: response = try psd(image: image)
        case .json: response = Answer.of(.bytes([try manifestWithLayers()]), type: format.mediaType)
        case .psb, .ora, .pptx, .sheet:
            let name = "layers.\(format == .sheet ? "png" : format.rawValue)"
            response = Answer.file(try converted(to: format, image: image), type: format.mediaType, name: name)
        }
        response.fields.append(("Vary", "Accept"))
        return response
    }

    /// What the result says of itself, without the pictures.
    func manifestResponse() throws(ServiceError) -> Response {
        Answer.of(.bytes([try bytes(named: ResultNames.description)]), type: ResultFormat.json.mediaType)
    }

    /// One layer; both numbers start at 1.
    func layerResponse(image: Int, layer: Int) throws(ServiceError) -> Response {
        let manifest = try manifest()
        guard let entry = manifest.layers.first(where: { $0.image == image && $0.index == layer }) else {
            throw manifest.noSuchLayer(layer, image: image)
        }
        return Answer.file(
            try noted(entry.file, ResultForms(manifest, options: options).texts), type: "image/png", name: entry.file)
    }

    /// What splits a layer of an image, both counted from 1, and the files that go with it.
    func splitWork(image: Int, layer: Int) throws(ServiceError) -> (SplitWork, [UInt8]) {
        let manifest = try manifest()
        let entries = manifest.layers.filter { $0.image == image }
        guard let index = entries.firstIndex(where: { $0.index == layer }) else {
            throw manifest.noSuchLayer(layer, image: image)
        }
        guard entries[index].box != nil else { throw .emptyLayer(layer) }
        var files: [UInt8] = []
        var layers: [SplitWork.Layer] = []
        for entry in entries {
            let png = try bytes(named: entry.file)
            layers.append(
                SplitWork.Layer(
                    name: entry.name, groups: entry.groups ?? [], byteCount: png.count, box: entry.box))
            files += png
        }
        return (SplitWork(width: manifest.width, height: manifest.height, index: index, layers: layers), files)
    }

    /// The layered PSD of one image.
    func psd(image: Int) throws(ServiceError) -> Response {
        let manifest = try manifest()
        guard let entry = manifest.psd.first(where: { $0.image == image }), has(entry.file) else {
            throw manifest.noSuchLayer(1, image: image)
        }
        return Answer.file(try psdBody(entry), type: ResultFormat.psd.mediaType, name: entry.file)
    }

    /// A PSD as it is kept, or made now if it must be another.
    private func psdBody(_ entry: ResultManifest.PSD) throws(ServiceError) -> ResultBody {
        guard options.keepsPSD else { return ResultBody(try converted(to: .psd, image: entry.image)) }
        return ResultBody(result, index: try index(of: entry.file))
    }

    // MARK: Forms made when they are asked for

    /// A form that is not kept, of the layers that are.
    private func converted(to format: ResultFormat, image: Int) throws(ServiceError) -> [UInt8] {
        let manifest = try manifest()
        let forms = ResultForms(manifest, options: options)
        let tree = try tree(of: image, manifest)
        let count = manifest.psd.count
        var trees = [tree]
        if format == .pptx, count > 1 {
            trees = []
            for number in 1...count { trees.append(try self.tree(of: number, manifest)) }
        }
        return try ServiceError.whileEncoding { () throws(ImageError) in
            switch format {
            case .psd: try forms.psd(tree)
            case .psb: try forms.psd(tree, size: .large)
            case .ora: try forms.openRaster(tree)
            case .pptx: try forms.slides(trees)
            case .sheet: try forms.sheet(tree)
            case .multipart, .mixed, .zip, .json: preconditionFailure("a form of several parts")
            }
        }
    }

    /// The layers of an image, 1 being the first, read from what is kept.
    private func tree(of image: Int, _ manifest: ResultManifest) throws(ServiceError) -> LayerTree {
        guard manifest.layers.contains(where: { $0.image == image }) else {
            throw manifest.noSuchLayer(1, image: image)
        }
        do {
            let list = try LayerManifest(try bytes(named: ResultNames.description))
            return try list.tree(image: image) { (name) throws(ImageError) in
                guard let file = result.files.firstIndex(where: { $0.name == name }),
                    let bytes = try? result.bytes(of: file)
                else { throw .noLayers }
                return bytes
            }
        } catch {
            throw .damagedResult
        }
    }

    /// A kept PNG with what it should say of itself: its begin is read now, the rest when it is sent.
    private func noted(_ name: String, _ notes: [PNGOptions.Text]) throws(ServiceError) -> ResultBody {
        let index = try index(of: name)
        guard !notes.isEmpty else { return ResultBody(result, index: index) }
        guard result.files[index].byteCount > PNGTexts.offset else { throw .damagedResult }
        let begin = try reading { () throws(JobError) in try result.bytes(of: index, 0..<PNGTexts.offset) }
        guard ImageFormat.detect(begin) == .png else { throw .damagedResult }
        var body = ResultBody(begin)
        body.append(try ServiceError.whileEncoding { () throws(ImageError) in try PNGTexts.chunks(notes) })
        body.append(result, index: index, from: PNGTexts.offset)
        return body
    }

    private func multipart(_ format: ResultFormat) throws(ServiceError) -> Response {
        let boundary = boundary ?? Self.newBoundary()
        let writer = MultipartWriter(boundary: boundary)
        var body = ResultBody()
        func add(_ name: String, _ fileName: String?, _ type: String, _ content: ResultBody) {
            body.append(
                writer.header(name: name, fileName: fileName, contentType: type, isFirst: body.byteCount == 0))
            body.append(content)
        }
        let manifest = try manifest()
        let notes = ResultForms(manifest, options: options).texts
        add(
            "result", nil, ResultFormat.json.mediaType,
            ResultBody(result, index: try index(of: ResultNames.description)))
        for layer in manifest.layers { add(layer.part, layer.file, "image/png", try noted(layer.file, notes)) }
        for psd in manifest.psd where has(psd.file) {
            add(psd.part, psd.file, ResultFormat.psd.mediaType, try psdBody(psd))
        }
        body.append(writer.closing)
        return Answer.of(body, type: "\(format.mediaType); boundary=\(boundary)")
    }

    private static func newBoundary() -> String {
        var generator = SystemRandomNumberGenerator()
        let characters = (0..<boundaryLength).map { _ in
            MultipartWriter.boundaryAlphabet.randomElement(using: &generator) ?? 0x30
        }
        return String(decoding: characters, as: UTF8.self)
    }

    private static let boundaryLength = 40

    private func archive() throws(ServiceError) -> ResultArchive {
        let manifest = try manifest()
        return try ResultArchive(manifest, options: options) { (name, notes) throws(ServiceError) in
            try noted(name, notes)
        } tree: { (image) throws(ServiceError) in
            try tree(of: image, manifest)
        }
    }

    /// The layers as OpenAI's clients expect them.
    func imageEditResponse(created: Int) throws(ServiceError) -> Response {
        let manifest = try manifest()
        var images: [ImageEditResult.Image] = []
        for layer in manifest.layers {
            images.append(
                ImageEditResult.Image(
                    base64: String(decoding: Base64.encode(try bytes(named: layer.file)), as: UTF8.self),
                    revisedPrompt: manifest.caption))
        }
        return Answer.json(
            ImageEditResult(
                created: created, layers: manifest.layers.count { $0.image == 1 }, seed: manifest.seed,
                size: "\(manifest.width)x\(manifest.height)", data: images))
    }

    /// The description with every PNG in it, in base64.
    private func manifestWithLayers() throws(ServiceError) -> [UInt8] {
        var manifest = try manifest()
        let notes = ResultForms(manifest, options: options).texts
        for index in manifest.layers.indices {
            let body = try noted(manifest.layers[index].file, notes)
            let png = try reading { () throws(JobError) in try body.bytes() }
            manifest.layers[index].png = String(decoding: Base64.encode(png), as: UTF8.self)
        }
        return JSONText.bytes(manifest)
    }

    // MARK: Files

    func manifest() throws(ServiceError) -> ResultManifest {
        let bytes = try bytes(named: ResultNames.description)
        guard let manifest = try? JSONDecoder().decode(ResultManifest.self, from: Data(bytes)) else {
            throw .damagedResult
        }
        return manifest
    }

    /// False for a PSD that was not asked for.
    private func has(_ name: String) -> Bool { result.files.contains { $0.name == name } }

    private func index(of name: String) throws(ServiceError) -> Int {
        guard let index = result.files.firstIndex(where: { $0.name == name }) else { throw .damagedResult }
        return index
    }

    private func bytes(named name: String) throws(ServiceError) -> [UInt8] {
        let index = try index(of: name)
        return try reading { () throws(JobError) in try result.bytes(of: index) }
    }

    private func reading<Value>(_ read: () throws(JobError) -> Value) throws(ServiceError) -> Value {
        do throws(JobError) {
            return try read()
        } catch {
            throw .job(error)
        }
    }
}

extension ResultManifest {
    /// That there is no such layer, and what there is.
    fileprivate func noSuchLayer(_ layer: Int, image: Int) -> ServiceError {
        .noSuchLayer(
            layer, image: image, layerCount: layers.count { $0.image == image },
            imageCount: layers.map(\.image).max() ?? 0)
    }
}
