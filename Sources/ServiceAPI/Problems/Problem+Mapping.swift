import DurableStorage
import HTTPProtocol
import HTTPTransport
import ImageCodecs
import Jobs
import QwenImage
import TensorCore

/// The one place that knows which error is of which kind.
extension Problem {
    init(_ error: ServiceError) {
        switch error {
        case .notFound(let path): self.init(.notFound, "\(path) is not a path of this service; see /openapi.yaml")
        case .noSuchLayer(let layer, let image, let layerCount, let imageCount):
            let (what, count, asked) =
                image > imageCount ? ("image", imageCount, image) : ("layer", layerCount, layer)
            self.init(.notFound, "the result has \(count) \(what)\(count == 1 ? "" : "s"), but no \(what) \(asked)")
        case .methodNotAllowed(let method, let allowed):
            self.init(.methodNotAllowed, "\(method) is not one of \(allowed)")
            self.allowed = allowed
        case .notAcceptable(let known):
            self.init(.notAcceptable, "there is \(known.joined(separator: ", ")); say which with Accept or ?format=")
        case .unauthorized(let hasKey):
            self.init(
                .unauthorized,
                hasKey ? "this key is not known" : "send an API key as 'Authorization: Bearer <key>'")
        case .forbidden(let reason): self.init(.forbidden, reason)
        case .unsupportedMediaType, .contentCoding, .charset, .malformedMediaType, .emptyBody, .missingImage,
            .imageIsText, .missingLayers, .multipart, .json:
            self.init(body: error)
        case .layers(let error): self.init(layers: error)
        case .busy: self.init(.queueFull, "too many files are being put together or converted; try again soon")
        case .preconditionFailed:
            self.init(.preconditionFailed, "what is here is not what If-Match or If-Unmodified-Since names")
        case .rangeBehindEnd(let byteCount):
            self.init(.rangeNotSatisfiable, "the range lies behind the end: there are \(byteCount) bytes")
            contentRange = "bytes */\(byteCount)"
        case .query(let failure): self.init(.malformedQuery, failure.description)
        case .header(let name, let expected): self.init(.malformedHeader, "\(name) must be \(expected)")
        case .unknownParameter(let name, let known):
            self.init(
                .unknownParameter,
                "'\(name)' is not a parameter; "
                    + (known.isEmpty ? "there is none here" : "known are \(known.joined(separator: ", "))"))
            parameter = name
        case .repeatedParameter(let name):
            self.init(.repeatedParameter, "\(name) is given more than once")
            parameter = name
        case .unreadableParameter(let name, let value, let expected):
            self.init(.parameterOutOfRange, "\(name) is '\(value)', but must be \(expected)")
            parameter = name
        case .unknownModel(let name, let served):
            self.init(.unknownModel, "'\(name)' is not served here; '\(served)' is")
            parameter = "model"
        case .emptyLayer(let number):
            self.init(.parameterOutOfRange, "layer \(number) holds nothing that could be split")
        case .picture(let error): self.init(picture: error)
        case .encoding(let error):
            if case .cannotHold = error {
                self.init(.parameterOutOfRange, error.description)
                parameter = ResultFormat.parameterName
            } else {
                self.init(.encodingFailed, error.description)
            }
        case .pipeline(let error): self.init(pipeline: error)
        case .doesNotFit(let asked, let fitting): self.init(asked, fitting)
        case .job(let error): self.init(job: error)
        case .ended(let state, let failure): self.init(state, failure)
        case .resultWaits(let id):
            self.init(
                .answersTooLarge,
                "fetch the result of the job at Location, \(id), when others have taken their answers")
            location = "/v1/jobs/\(id)"
        case .damagedResult: self.init(.storageFailed, "the stored result is damaged; send the request again")
        case .transport(let fault): self.init(fault: fault)
        }
    }

    /// A body that cannot be read.
    private init(body error: ServiceError) {
        switch error {
        case .unsupportedMediaType(let type, let readable):
            self.init(.unsupportedMediaType, "\(type) is not read here; send \(readable.words)")
        case .contentCoding(let name):
            self.init(.unsupportedMediaType, "the body's Content-Encoding, \(name), is not read here; send it as it is")
            acceptedEncoding = "identity"
        case .charset(let name):
            self.init(.unsupportedMediaType, "text in \(name) is not read here; send UTF-8")
        case .malformedMediaType(let text):
            self.init(
                .unsupportedMediaType,
                "Content-Type '\(text)' cannot be read; it is there once, as in image/png or"
                    + " multipart/form-data; boundary=\"x\"")
        case .emptyBody(let readable): self.init(.emptyBody, readable.adviceForNone)
        case .missingImage: self.init(.missingImage, "send the picture as 'image'")
        case .imageIsText(let text):
            self.init(
                .unsupportedPicture, "'image' is the text '\(text)' and not a file; with curl it is -F image=@\(text)")
        case .missingLayers:
            self.init(
                .missingImage,
                "send the layers as 'file' (PSD, PSB, OpenRaster or ZIP), or 'manifest' and the pictures that it names")
        case .multipart(let failure): self.init(.malformedForm, failure.description)
        case .json(let failure): self.init(.malformedJSON, failure.description)
        default: preconditionFailure("not an error of a body")
        }
    }

    /// As for pictures, but what the file says of its layers is the sender's too.
    init(layers error: ImageError) {
        switch error {
        case .countOutOfRange, .invalidName: self.init(.damagedPicture, error.description)
        case .noPicture:
            self.init(.parameterOutOfRange, error.description)
            parameter = "image"
        case .notAPicture, .noLayers: self.init(.unsupportedPicture, ImageError.noLayers.description)
        default: self.init(picture: error)
        }
    }

    private init(_ asked: PlanManifest, _ fitting: PlanManifest?) {
        var words =
            if let limit = asked.hostBudgetBytes, let least = asked.smallestHostBytes {
                "the job needs \(ByteCount(roundedUp: least)) on the host, of which it may have \(ByteCount(limit))"
            } else {
                "the job needs \(ByteCount(roundedUp: asked.smallestBytes)) on \(asked.device), which has"
                    + " \(ByteCount(asked.budgetBytes ?? 0))"
            }
        if let fitting {
            words += "; with resolution \(fitting.resolution) and layers \(fitting.layers) it fits"
        }
        self.init(.doesNotFit, words)
        plan = asked
        self.fitting = fitting
    }

    init(picture error: ImageError) {
        self.init(Self.kind(of: error), error.description)
    }

    private static func kind(of error: ImageError) -> ProblemKind {
        switch error {
        case .emptyInput: .emptyPicture
        case .notAPicture, .unsupportedFormat, .unsupportedFeature, .animated, .noLayers: .unsupportedPicture
        case .inputTooLarge: .bodyTooLarge
        case .truncated, .damaged: .damagedPicture
        case .sideTooLong, .tooManyPixels, .invalidSize, .tooMuchToDraw: .pictureSize
        case .inPicture(_, let cause): kind(of: cause)
        case .byteCountMismatch, .layerSizeMismatch, .countOutOfRange, .noPicture, .invalidName, .cannotHold,
            .outputTooLarge, .codecFailure:
            .pictureFailed
        }
    }

    init(pipeline error: PipelineError) {
        switch error {
        case .parameterOutOfRange(let name, _, _):
            self.init(.parameterOutOfRange, error.description)
            parameter = name
        case .noCaptioner: self.init(.promptNeeded, error.description)
        case .image(let error): self.init(picture: error)
        case .cancelled, .tensor(.cancelled): self.init(.cancelled, "send the request again if it is still wanted")
        case .tensor(.outOfMemory), .outOfMemory: self.init(.outOfMemory, error.description)
        case .placement(.budgetTooSmall), .placement(.hostBudgetTooSmall):
            self.init(.doesNotFit, error.description)
        case .model, .unknownPipeline, .vaeChannels, .latentsShape, .weights, .tokenizer, .scheduler, .tensor,
            .placement:
            self.init(.engineFailed, error.description)
        }
    }

    private init(job error: JobError) {
        switch error {
        case .rejected(let rejection):
            let kind: ProblemKind =
                switch rejection.reason {
                case .queueFull, .waitingBytesFull: .queueFull
                case .tooManyJobsOfClient: .tooManyJobs
                case .draining: .stopping
                }
            self.init(kind, rejection.description)
            retryAfterSeconds = rejection.retryAfterSeconds
        case .notFound: self.init(.notFound, error.description)
        case .expired: self.init(.resultGone, error.description)
        case .noResult(_, let state):
            self.init(state.isFinished ? .jobWithoutResult : .jobUnfinished, error.description)
        case .idempotencyConflict: self.init(.idempotencyConflict, error.description)
        case .invalidOption(let name, _, _):
            self.init(.parameterOutOfRange, error.description)
            parameter = name
        case .tooManySubscribers: self.init(.tooManyFollowers, error.description)
        case .invalidCursor:
            self.init(.parameterOutOfRange, error.description)
            parameter = "cursor"
        case .storage: self.init(.storageFailed, "jobs cannot be stored at present; the service's log says why")
        }
    }

    /// Why a job that is in `state` gave no result.
    init(_ state: JobState, _ failure: JobFailure?) {
        switch failure {
        case nil: self.init(.cancelled, "somebody took the job back")
        case .deadlineExceeded: self.init(.deadlineExceeded, "the job did not end within its deadline")
        case .serverStoppedTwice:
            self.init(.stoppedTwice, "the service ended twice while it worked on this; it is not tried again")
        case .serverStopping: self.init(.stopping, "the service stopped before the job ended; send it again")
        case .storage: self.init(.storageFailed, "the job's result could not be stored")
        case .execution(let code, let message):
            self.init(ProblemKind(rawValue: code) ?? .engineFailed, message)
        }
    }

    private init(fault: TransportFault) {
        switch fault {
        case .malformed(let error): self.init(request: error)
        case .plainHTTP: self.init(.malformedRequest, "this is plain HTTP, but TLS is spoken here: use https://")
        case .slowHead: self.init(.requestTimeout, "the header did not arrive in time")
        case .slowBody: self.init(.requestTimeout, "the body did not arrive in time")
        case .tooManyConnections:
            self.init(.tooManyConnections, "try again shortly")
            retryAfterSeconds = 1
        case .bodyBudgetUsedUp: self.init(.uploadsTooLarge, "try again when others are done")
        case .answerBudgetUsedUp: self.init(.answersTooLarge, "try again when others have taken theirs")
        case .unanswered: self.init(.unanswered, "this is a defect of the service")
        }
    }

    private init(request error: RequestError) {
        let kind: ProblemKind =
            switch error {
            case .bodyTooLarge: .bodyTooLarge
            case .requestLineTooLong: .targetTooLong
            case .fieldsTooLarge, .tooManyFields, .trailersTooLarge: .fieldsTooLarge
            case .unsupportedVersion: .unsupportedVersion
            case .unknownTransferCoding: .unknownTransferCoding
            case .unknownExpectation: .unknownExpectation
            case .bareLineFeed, .bareCarriageReturn, .malformedRequestLine, .invalidTarget, .invalidFieldName,
                .invalidFieldValue, .foldedField, .missingHost, .repeatedHost, .invalidHost, .invalidContentLength,
                .repeatedContentLength, .lengthWithTransferEncoding, .invalidTransferEncoding,
                .transferEncodingInHTTP10, .invalidChunkSize, .invalidChunkEnd, .chunkExtensionsTooLarge:
                .malformedRequest
            }
        self.init(kind, error.description)
    }
}
