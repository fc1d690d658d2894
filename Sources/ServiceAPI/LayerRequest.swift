import HTTPProtocol
import QwenImage

/// What a `POST /v1/layers` asks for.
struct LayerRequest: Sendable {
    /// The picture's file, not yet decoded.
    let picture: [UInt8]
    let options: DecompositionOptions
    let format: ResultFormat

    /// What the head says already, so that a bad request can be refused before its picture is uploaded.
    struct Envelope: Sendable {
        let format: ResultFormat
        /// From the query.
        let options: OptionReader
        /// The form's media type; nil if the body is the picture itself.
        let form: MediaType?

        /// Reads query, `Content-Type` and `Accept`.
        init(_ head: RequestHead) throws(ServiceError) {
            guard head.hasBody else { throw .emptyBody }
            let pairs: [(name: String, value: String)]
            do {
                pairs = try PercentDecoder.parameters(of: head.target.query ?? [])
            } catch {
                throw .query(error)
            }
            var options = OptionReader()
            var formatName: String?
            for (name, value) in pairs {
                if name != ResultFormat.parameterName {
                    try options.read(name, value)
                } else if formatName == nil {
                    formatName = value
                } else {
                    throw .repeatedParameter(name: name)
                }
            }
            self.options = options
            format = try ResultFormat.chosen(name: formatName, accept: AcceptField(head.fields))
            form = try Self.form(head.fields)
        }

        /// The media type of a form, nil for a picture. Without a `Content-Type` the bytes decide.
        private static func form(_ fields: HeaderFields) throws(ServiceError) -> MediaType? {
            guard let text = fields["content-type"] else { return nil }
            guard let type = MediaType(text) else { throw .unsupportedMediaType(String(text.prefix(80))) }
            switch type.essence {
            case "multipart/form-data": return type
            case "application/octet-stream": return nil
            case _ where type.type == "image": return nil
            default: throw .unsupportedMediaType(type.essence)
            }
        }
    }

    init(_ head: RequestHead, body: [UInt8]) throws(ServiceError) {
        let envelope = try Envelope(head)
        format = envelope.format
        guard let form = envelope.form else {
            guard !body.isEmpty else { throw .emptyBody }
            picture = body
            options = envelope.options.options
            return
        }
        var reader = envelope.options
        let parts: [MultipartPart]
        do {
            parts = try MultipartParser.parse(body[...], mediaType: form)
        } catch {
            throw .multipart(error)
        }
        var image: MultipartPart?
        for part in parts {
            if part.name == Self.imageName {
                guard image == nil else { throw .repeatedParameter(name: part.name) }
                image = part
            } else if part.name != Self.charsetName {
                try reader.read(part.name, part.content)
            }
        }
        guard let image else { throw .missingImage }
        picture = Array(image.content)
        options = reader.options
    }

    static let imageName = "image"
    /// Some browsers' way to name the form's encoding (RFC 7578 section 4.6); it is UTF-8 here in any case.
    private static let charsetName = "_charset_"
}
