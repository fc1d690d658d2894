import HTTPProtocol
import LayerFitting
import QwenImage

/// What a request asks for, however it says it.
struct LayerRequest: Sendable {
    /// The picture's file, not yet decoded.
    let picture: [UInt8]
    let options: DecompositionOptions
    let finish: LayerFinish
    let wishes: JobWishes

    /// What the head says already, so that a bad request can be refused before its picture is uploaded.
    struct Envelope: Sendable {
        /// From the query.
        let options: OptionReader
        /// Nil where a picture is not asked for, and there is no body.
        let bodyKind: RequestBodyKind?
        /// Which of several images a path is about, 1 for the first.
        let image: Int
        /// Nil where results do not come with the answer.
        let format: ResultFormat?
        /// How result files are written.
        let files: FileOptions
        let idempotencyKey: String?
        let prefer: PreferField

        private static let imageName = "image"

        /// Reads query and fields; `answersWithResult` if `format` and `Accept` matter. Without `hasPicture` the
        /// request is about an image of an earlier result.
        init(_ head: RequestHead, answersWithResult: Bool, hasPicture: Bool = true) throws(ServiceError) {
            bodyKind =
                hasPicture || head.hasBody
                ? try RequestBodyKind(head, readable: hasPicture ? .pictures : .parameters) : nil
            let query = try RequestQuery(head)
            image =
                hasPicture ? 1 : try query.integer(Self.imageName, DecompositionParameters.imageCountRange, usual: 1)
            var options = OptionReader()
            for (name, value) in query.pairs {
                if answersWithResult, ResultFormat.queryNames.contains(name) { continue }
                if !hasPicture, name == Self.imageName { continue }
                try options.read(name, value)
            }
            self.options = options
            format =
                answersWithResult
                ? try ResultFormat.chosen(
                    name: query.value(ResultFormat.parameterName), accept: AcceptField(head.fields)) : nil
            files = answersWithResult ? try FileOptions(query) : FileOptions()
            idempotencyKey = try RequestHeaders.idempotencyKey(head.fields)
            prefer = PreferField(head.fields)
        }
    }

    /// Reads a body that belongs to `envelope`.
    init(_ envelope: Envelope, body: [UInt8]) throws(ServiceError) {
        guard let kind = envelope.bodyKind else { throw .emptyBody(.pictures) }
        let body = try RequestBody(kind, body)
        try self.init(envelope, fields: body.fields, picture: body.picture)
    }

    /// A request about a picture that the service has; `body` may hold parameters.
    init(_ envelope: Envelope, body: [UInt8], picture: [UInt8]) throws(ServiceError) {
        let fields = try envelope.bodyKind.map { (kind) throws(ServiceError) in try RequestBody.fields(kind, body) }
        try self.init(envelope, fields: fields ?? [], picture: picture)
    }

    private init(_ envelope: Envelope, fields: [BodyField], picture: [UInt8]) throws(ServiceError) {
        var reader = envelope.options
        for field in fields { try reader.read(field) }
        self.picture = picture
        options = reader.options
        finish = reader.finish
        wishes = reader.wishes
    }

    /// A request whose parts are known already.
    init(picture: [UInt8], options: DecompositionOptions, finish: LayerFinish, wishes: JobWishes) {
        self.picture = picture
        self.options = options
        self.finish = finish
        self.wishes = wishes
    }
}
