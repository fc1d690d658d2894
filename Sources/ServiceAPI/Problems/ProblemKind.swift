/// Every kind of error that clients get; the raw value is the end of the problem's `type`, and never changes.
enum ProblemKind: String, Sendable, CaseIterable {
    // The request as bytes
    case malformedRequest = "malformed-request"
    case requestTimeout = "request-timeout"
    case bodyTooLarge = "body-too-large"
    case targetTooLong = "target-too-long"
    case unknownExpectation = "unknown-expectation"
    case fieldsTooLarge = "fields-too-large"
    case unknownTransferCoding = "unknown-transfer-coding"
    case unsupportedVersion = "unsupported-version"
    case tooManyConnections = "too-many-connections"
    case uploadsTooLarge = "uploads-too-large"
    case answersTooLarge = "answers-too-large"
    case unanswered

    // What it asks for
    case unauthorized
    case forbidden
    case notFound = "not-found"
    case methodNotAllowed = "method-not-allowed"
    case notAcceptable = "not-acceptable"
    case unsupportedMediaType = "unsupported-media-type"
    case preconditionFailed = "precondition-failed"
    case rangeNotSatisfiable = "range-not-satisfiable"
    case emptyBody = "empty-body"
    case missingImage = "missing-image"
    case malformedQuery = "malformed-query"
    case malformedForm = "malformed-form"
    case malformedJSON = "malformed-json"
    case malformedHeader = "malformed-header"
    case unknownParameter = "unknown-parameter"
    case repeatedParameter = "repeated-parameter"
    case parameterOutOfRange = "parameter-out-of-range"
    case unknownModel = "unknown-model"
    case promptNeeded = "prompt-needed"
    case doesNotFit = "does-not-fit"
    case idempotencyConflict = "idempotency-conflict"

    // Its picture
    case emptyPicture = "empty-picture"
    case unsupportedPicture = "unsupported-picture"
    case damagedPicture = "damaged-picture"
    case pictureSize = "picture-size"
    case pictureFailed = "picture-failed"

    // Its job
    case queueFull = "queue-full"
    case tooManyJobs = "too-many-jobs"
    case tooManyFollowers = "too-many-followers"
    case stopping
    case cancelled
    case deadlineExceeded = "deadline-exceeded"
    case stoppedTwice = "stopped-twice"
    case jobUnfinished = "job-unfinished"
    case jobWithoutResult = "job-without-result"
    case resultGone = "result-gone"
    case outOfMemory = "out-of-memory"
    case engineFailed = "engine-failed"
    case encodingFailed = "encoding-failed"
    case storageFailed = "storage-failed"

    /// The status of answers of this kind.
    var status: Int {
        switch self {
        case .malformedRequest, .emptyBody, .missingImage, .malformedQuery, .malformedForm, .malformedJSON,
            .malformedHeader, .unknownParameter, .repeatedParameter, .emptyPicture:
            400
        case .unauthorized: 401
        case .forbidden: 403
        case .notFound, .unknownModel: 404
        case .methodNotAllowed: 405
        case .notAcceptable: 406
        case .requestTimeout: 408
        case .cancelled, .jobUnfinished, .jobWithoutResult: 409
        case .resultGone: 410
        case .preconditionFailed: 412
        case .bodyTooLarge: 413
        case .targetTooLong: 414
        case .unsupportedMediaType, .unsupportedPicture: 415
        case .rangeNotSatisfiable: 416
        case .unknownExpectation: 417
        case .parameterOutOfRange, .promptNeeded, .doesNotFit, .idempotencyConflict, .damagedPicture, .pictureSize: 422
        case .tooManyJobs, .tooManyFollowers: 429
        case .fieldsTooLarge: 431
        case .unanswered, .pictureFailed, .engineFailed, .encodingFailed, .stoppedTwice: 500
        case .unknownTransferCoding: 501
        case .tooManyConnections, .uploadsTooLarge, .answersTooLarge, .queueFull, .stopping, .outOfMemory,
            .storageFailed:
            503
        case .deadlineExceeded: 504
        case .unsupportedVersion: 505
        }
    }

    /// What `Retry-After` says if nothing better is known; nil for errors that stay.
    var retryAfterSeconds: Int? {
        switch status {
        case 429, 503: self == .outOfMemory || self == .storageFailed ? 60 : 5
        default: nil
        }
    }

    /// The same words for each error of this kind.
    var title: String {
        switch self {
        case .malformedRequest: "The request is malformed"
        case .requestTimeout: "The request came too slowly"
        case .bodyTooLarge: "The body is too large"
        case .targetTooLong: "The request target is too long"
        case .unknownExpectation: "The expectation cannot be met"
        case .fieldsTooLarge: "The header is too large"
        case .unknownTransferCoding: "The transfer coding is not known"
        case .unsupportedVersion: "The HTTP version is not supported"
        case .tooManyConnections: "There are too many connections"
        case .uploadsTooLarge: "Too many uploads at once"
        case .answersTooLarge: "Too many answers wait for slow clients"
        case .unanswered: "The request got no answer"
        case .unauthorized: "A key is needed"
        case .forbidden: "The key may not do this"
        case .notFound: "There is nothing here"
        case .methodNotAllowed: "The method is not allowed here"
        case .notAcceptable: "No acceptable form of the result"
        case .unsupportedMediaType: "The body's media type is not supported"
        case .preconditionFailed: "A condition of the request does not hold"
        case .rangeNotSatisfiable: "There are no such bytes"
        case .emptyBody: "The request has no body"
        case .missingImage: "The request has no picture"
        case .malformedQuery: "The query is malformed"
        case .malformedForm: "The form is malformed"
        case .malformedJSON: "The JSON is malformed"
        case .malformedHeader: "A header field is malformed"
        case .unknownParameter: "A parameter is not known"
        case .repeatedParameter: "A parameter is given twice"
        case .parameterOutOfRange: "A parameter's value is not accepted"
        case .unknownModel: "The model is not served here"
        case .promptNeeded: "A prompt is needed"
        case .idempotencyConflict: "The idempotency key belongs to another request"
        default: jobTitle
        }
    }

    private var jobTitle: String {
        switch self {
        case .emptyPicture: "The picture has no bytes"
        case .unsupportedPicture: "The picture is of a kind that is not read"
        case .damagedPicture: "The picture cannot be read"
        case .pictureSize: "The picture's size is not accepted"
        case .pictureFailed: "The picture could not be processed"
        case .queueFull: "The waiting line is full"
        case .tooManyJobs: "Too many jobs of this key"
        case .tooManyFollowers: "Too many connections follow this job"
        case .stopping: "The service is stopping"
        case .cancelled: "The job was cancelled"
        case .deadlineExceeded: "The job's deadline passed"
        case .stoppedTwice: "The service stopped twice during the job"
        case .jobUnfinished: "The job has not ended"
        case .jobWithoutResult: "The job has no result"
        case .resultGone: "The result is gone"
        case .doesNotFit: "The job needs more memory than it may have"
        case .outOfMemory: "The job needs more memory than there is"
        case .engineFailed: "The engine failed"
        case .encodingFailed: "The result could not be written"
        case .storageFailed: "Jobs cannot be stored"
        default: "The request failed"
        }
    }
}
