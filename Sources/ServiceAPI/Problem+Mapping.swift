import HTTPProtocol
import HTTPTransport
import ImageCodecs
import QwenImage
import TensorCore

/// The one place that knows which error has which status.
extension Problem {
    init(_ error: ServiceError) {
        switch error {
        case .notFound(let path):
            self.init(
                404, "not-found", "There is nothing here", "\(path) is not a path of this service; see /openapi.yaml")
        case .methodNotAllowed(let method, let allowed):
            self.init(405, "method-not-allowed", "The method is not allowed here", "\(method) is not one of \(allowed)")
            self.allowed = allowed
        case .notAcceptable(let known):
            self.init(
                406, "not-acceptable", "No acceptable form of the result",
                "results come as \(known.joined(separator: ", ")); say which with Accept or ?format=")
        case .unsupportedMediaType(let type):
            self.init(
                415, "unsupported-media-type", "The body's media type is not supported",
                "\(type) is not read here; send multipart/form-data with a field 'image', or the picture itself as"
                    + " image/png, image/jpeg, image/webp or application/octet-stream")
        case .emptyBody:
            self.init(
                400, "empty-body", "The request has no body", "send a picture as the body or as the form field 'image'")
        case .missingImage:
            self.init(400, "missing-image", "The form has no picture", "send the picture as the form field 'image'")
        case .query(let failure):
            self.init(400, "malformed-query", "The query is malformed", failure.description)
        case .multipart(let failure):
            self.init(400, "malformed-form", "The form is malformed", failure.description)
        case .unknownParameter(let name, let known):
            self.init(
                400, "unknown-parameter", "A parameter is not known",
                "'\(name)' is not a parameter; known are \(known.joined(separator: ", "))")
        case .repeatedParameter(let name):
            self.init(400, "repeated-parameter", "A parameter is given twice", "\(name) is given more than once")
        case .unreadableParameter(let name, let value, let expected):
            self.init(
                422, "parameter-out-of-range", "A parameter's value is not accepted",
                "\(name) is '\(value)', but must be \(expected)")
        case .queueFull(let seconds):
            self.init(503, "queue-full", "The waiting line is full", "try again in \(seconds) seconds")
            retryAfterSeconds = seconds
        case .picture(let error): self.init(picture: error)
        case .encoding(let error):
            self.init(500, "encoding-failed", "The result could not be written", error.description)
        case .pipeline(let error): self.init(pipeline: error)
        case .transport(let fault): self.init(fault: fault)
        }
    }

    private init(picture error: ImageError) {
        let detail = error.description
        switch error {
        case .emptyInput: self.init(400, "empty-picture", "The picture has no bytes", detail)
        case .notAPicture, .unsupportedFormat, .unsupportedFeature, .animated:
            self.init(415, "unsupported-picture", "The picture is of a kind that is not read", detail)
        case .inputTooLarge: self.init(413, "body-too-large", "The picture is too large", detail)
        case .truncated, .damaged: self.init(422, "damaged-picture", "The picture cannot be read", detail)
        case .sideTooLong, .tooManyPixels, .invalidSize:
            self.init(422, "picture-size", "The picture's size is not accepted", detail)
        case .byteCountMismatch, .layerSizeMismatch, .countOutOfRange, .invalidName, .outputTooLarge, .codecFailure:
            self.init(500, "picture-failed", "The picture could not be processed", detail)
        }
    }

    private init(pipeline error: PipelineError) {
        let detail = error.description
        switch error {
        case .parameterOutOfRange:
            self.init(422, "parameter-out-of-range", "A parameter's value is not accepted", detail)
        case .noCaptioner: self.init(422, "prompt-needed", "A prompt is needed", detail)
        case .image(let error): self.init(picture: error)
        case .cancelled, .tensor(.cancelled):
            self.init(503, "cancelled", "The job was cancelled", "the service stopped the job; send it again")
            retryAfterSeconds = 5
        case .tensor(.outOfMemory):
            self.init(503, "out-of-memory", "The job needs more memory than there is", detail)
            retryAfterSeconds = 60
        case .model, .unknownPipeline, .vaeChannels, .latentsShape, .weights, .tokenizer, .scheduler, .tensor:
            self.init(500, "engine-failed", "The engine failed", detail)
        }
    }

    private init(fault: TransportFault) {
        switch fault {
        case .malformed(let error): self.init(request: error)
        case .slowHead:
            self.init(408, "request-timeout", "The request came too slowly", "the header did not arrive in time")
        case .slowBody:
            self.init(408, "request-timeout", "The request came too slowly", "the body did not arrive in time")
        case .tooManyConnections:
            self.init(503, "too-many-connections", "There are too many connections", "try again shortly")
            retryAfterSeconds = 1
        case .bodyBudgetUsedUp:
            self.init(503, "uploads-too-large", "Too many uploads at once", "try again when others are done")
            retryAfterSeconds = 5
        case .unanswered:
            self.init(500, "unanswered", "The request got no answer", "this is a defect of the service")
        }
    }

    private init(request error: RequestError) {
        let detail = error.description
        switch error {
        case .bodyTooLarge: self.init(413, "body-too-large", "The body is too large", detail)
        case .requestLineTooLong: self.init(414, "target-too-long", "The request target is too long", detail)
        case .fieldsTooLarge, .tooManyFields, .trailersTooLarge:
            self.init(431, "fields-too-large", "The header is too large", detail)
        case .unsupportedVersion: self.init(505, "unsupported-version", "The HTTP version is not supported", detail)
        case .unknownTransferCoding:
            self.init(501, "unknown-transfer-coding", "The transfer coding is not known", detail)
        case .unknownExpectation: self.init(417, "unknown-expectation", "The expectation cannot be met", detail)
        case .bareLineFeed, .bareCarriageReturn, .malformedRequestLine, .invalidTarget, .invalidFieldName,
            .invalidFieldValue, .foldedField, .missingHost, .repeatedHost, .invalidHost, .invalidContentLength,
            .repeatedContentLength, .lengthWithTransferEncoding, .invalidTransferEncoding, .transferEncodingInHTTP10,
            .invalidChunkSize, .invalidChunkEnd, .chunkExtensionsTooLarge:
            self.init(400, "malformed-request", "The request is malformed", detail)
        }
    }
}
