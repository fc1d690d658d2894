import HTTPProtocol
import QwenImage

/// A field of a form or a member of a JSON object.
struct BodyField: Sendable {
    let name: String
    let bytes: ArraySlice<UInt8>
    /// What it is in JSON; nil for a form, where everything is text.
    let kind: RequestJSON.Kind?
    /// Whether a form calls it a file.
    var isFile = false

    /// As text, for short values; nil if it is not UTF-8 or long.
    var text: String? { bytes.count <= 1024 ? String(validating: bytes, as: UTF8.self) : nil }
}

/// How a body is to be read, by its `Content-Type`.
enum RequestBodyKind: Sendable {
    /// The body is the picture itself; also without a `Content-Type`: then the bytes decide.
    case picture
    case form(MediaType)
    case json

    init(_ head: RequestHead, readable: ReadableBodies = .pictures) throws(ServiceError) {
        guard head.hasBody else { throw .emptyBody(readable) }
        guard let type = try RequestHeaders.contentType(head.fields) else {
            self = .picture
            return
        }
        switch type.essence {
        case "multipart/form-data": self = .form(type)
        case "application/json": self = .json
        case "application/octet-stream": self = .picture
        case _ where type.type == "image": self = .picture
        default: throw .unsupportedMediaType(type.essence, readable: readable)
        }
    }
}

/// A body taken apart: the picture's file and everything else.
struct RequestBody: Sendable {
    let picture: [UInt8]
    let fields: [BodyField]

    /// Some browsers' way to name the form's encoding (RFC 7578 section 4.6), which must be UTF-8.
    private static let charsetName = "_charset_"

    /// Takes `body` apart; the picture is the field of one of `imageNames`, once. Where none is needed and none is
    /// there, it is empty.
    init(
        _ kind: RequestBodyKind, _ body: [UInt8], imageNames: Set<String> = ["image"], needsPicture: Bool = true
    ) throws(ServiceError) {
        guard !body.isEmpty else { throw .emptyBody(.pictures) }
        let all: [BodyField]
        switch kind {
        case .picture:
            picture = body
            fields = []
            return
        case .form(let type): all = try Self.form(body, type)
        case .json: all = try Self.json(body)
        }
        let images = all.filter { imageNames.contains($0.name) }
        guard let image = images.first else {
            guard !needsPicture else { throw .missingImage }
            (picture, fields) = ([], all)
            return
        }
        guard images.count == 1 else { throw .repeatedParameter(name: image.name) }
        picture = try Self.picture(image)
        fields = all.filter { !imageNames.contains($0.name) }
    }

    /// The fields of a body without a picture; none if it is empty.
    static func fields(_ kind: RequestBodyKind, _ body: [UInt8]) throws(ServiceError) -> [BodyField] {
        guard !body.isEmpty else { return [] }
        switch kind {
        case .picture: throw .unsupportedMediaType("a picture", readable: .parameters)
        case .form(let type): return try form(body, type)
        case .json: return try json(body)
        }
    }

    private static func form(_ body: [UInt8], _ type: MediaType) throws(ServiceError) -> [BodyField] {
        let parts: [MultipartPart]
        do {
            parts = try MultipartParser.parse(body[...], mediaType: type)
        } catch {
            throw .multipart(error)
        }
        var fields: [BodyField] = []
        for part in parts {
            if let type = part.mediaType { try RequestHeaders.checkCharset(type) }
            let field = BodyField(
                name: part.name, bytes: part.content, kind: nil, isFile: part.fileName != nil)
            guard part.name == charsetName else {
                fields.append(field)
                continue
            }
            guard let name = field.text, name.lowercased() == "utf-8" else {
                throw .charset(ParameterText.shortened(field.text ?? ""))
            }
        }
        return fields
    }

    private static func json(_ body: [UInt8]) throws(ServiceError) -> [BodyField] {
        do {
            return try RequestJSON(body).members.map { BodyField(name: $0.name, bytes: $0.value, kind: $0.kind) }
        } catch {
            throw .json(error)
        }
    }

    /// A field's text if it is a line of printable characters, as no picture is.
    private static func word(_ field: BodyField) -> String? {
        guard let text = field.text, !text.isEmpty,
            text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F })
        else { return nil }
        return ParameterText.shortened(text)
    }

    private static func picture(_ field: BodyField) throws(ServiceError) -> [UInt8] {
        guard field.kind != nil else {
            if !field.isFile, let word = word(field) { throw .imageIsText(word) }
            return Array(field.bytes)
        }
        var text = field.bytes
        // Schemes and the word before the comma are of no case (RFC 3986 section 3.1, RFC 2397).
        func isWord(_ bytes: some Sequence<UInt8>, _ word: String) -> Bool {
            String(decoding: Array(bytes), as: UTF8.self).lowercased() == word
        }
        if isWord(text.prefix(5), "data:") {
            // data:image/png;base64,...
            let head = text.prefix(100)
            guard let comma = head.firstIndex(of: 0x2C),
                isWord(head[..<comma].suffix(7), ";base64")
            else {
                throw .unreadableParameter(
                    name: field.name, value: String(decoding: text.prefix(20), as: UTF8.self),
                    expected: "base64, or a data: URL with base64")
            }
            text = text[(comma + 1)...]
        }
        guard field.kind == .string, let bytes = Base64.decode(text) else {
            throw .unreadableParameter(
                name: field.name, value: String(decoding: text.prefix(20), as: UTF8.self),
                expected: "base64, or a data: URL with base64")
        }
        return bytes
    }
}
