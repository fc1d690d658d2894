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
        let bodyKind: RequestBodyKind
        /// Nil where results do not come with the answer.
        let format: ResultFormat?
        let idempotencyKey: String?
        let prefer: PreferField

        /// Reads query and fields; `answersWithResult` if `format` and `Accept` matter.
        init(_ head: RequestHead, answersWithResult: Bool) throws(ServiceError) {
            bodyKind = try RequestBodyKind(head)
            let query = try RequestQuery(head)
            var options = OptionReader()
            for (name, value) in query.pairs where !(answersWithResult && name == ResultFormat.parameterName) {
                try options.read(name, value)
            }
            self.options = options
            format =
                answersWithResult
                ? try ResultFormat.chosen(
                    name: query.value(ResultFormat.parameterName), accept: AcceptField(head.fields)) : nil
            idempotencyKey = try RequestHeaders.idempotencyKey(head.fields)
            prefer = PreferField(head.fields)
        }
    }

    /// Reads a body that belongs to `envelope`.
    init(_ envelope: Envelope, body: [UInt8]) throws(ServiceError) {
        let body = try RequestBody(envelope.bodyKind, body)
        var reader = envelope.options
        for field in body.fields { try reader.read(field) }
        picture = body.picture
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
