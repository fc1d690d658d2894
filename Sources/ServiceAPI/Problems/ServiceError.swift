import HTTPProtocol
import HTTPTransport
import ImageCodecs
import Jobs
import QwenImage

/// Every reason for which a request is not answered with what it asks for.
enum ServiceError: Error, Sendable {
    /// No such path.
    case notFound(path: String)
    /// A result has fewer layers or images than were asked for; numbers start at 1.
    case noSuchLayer(Int, image: Int, layerCount: Int, imageCount: Int)
    /// The path has no such method; `allowed` is for `Allow`.
    case methodNotAllowed(method: String, allowed: String)
    /// The client takes none of the forms that there are, or asks for one that there is not.
    case notAcceptable(known: [String])
    /// No key, or none that is known.
    case unauthorized(hasKey: Bool)
    /// The key does not allow it.
    case forbidden(String)
    /// A body of another media type than those that are read, which `readable` names.
    case unsupportedMediaType(String, readable: ReadableBodies)
    /// A `Content-Type` that is none, or not the only one.
    case malformedMediaType(String)
    /// A compressed body.
    case contentCoding(String)
    /// A text in another encoding than UTF-8.
    case charset(String)
    /// A request without any body, and what it should have.
    case emptyBody(ReadableBodies)
    /// A form without a picture.
    case missingImage
    /// A form whose picture is a word instead of a file, as programs send that were not told of a file.
    case imageIsText(String)
    /// A form without layers.
    case missingLayers
    /// Layers that cannot be read.
    case layers(ImageError)
    /// Too much of this work waits already.
    case busy
    /// What there is is not what the request's conditions name.
    case preconditionFailed
    /// The range begins behind the last of so many bytes.
    case rangeBehindEnd(byteCount: Int)
    /// The query is not properly encoded.
    case query(PercentDecoder.Failure)
    /// The form is not properly written.
    case multipart(MultipartError)
    /// The JSON is not properly written.
    case json(RequestJSON.Failure)
    /// A header field that must be understood cannot be read.
    case header(name: String, expected: String)
    /// A name that is no parameter.
    case unknownParameter(name: String, known: [String])
    /// A parameter given more than once, perhaps under its two names.
    case repeatedParameter(name: String)
    /// A value that cannot be read as what the parameter is.
    case unreadableParameter(name: String, value: String, expected: String)
    /// Another model than the one served.
    case unknownModel(String, served: String)
    /// A layer, 1 for the bottom one, that is to be split but holds nothing.
    case emptyLayer(Int)
    /// The picture cannot be used.
    case picture(ImageError)
    /// The result could not be written.
    case encoding(ImageError)
    /// The engine refused or failed.
    case pipeline(PipelineError)
    /// The job would need more memory than there may be; `fitting` is the nearest one that does not.
    case doesNotFit(PlanManifest, fitting: PlanManifest?)
    /// The jobs refused.
    case job(JobError)
    /// The job ended without a result.
    case ended(JobState, JobFailure?)
    /// The job's result finds no room in memory, but can be fetched later.
    case resultWaits(JobID)
    /// A stored result is not what was stored.
    case damagedResult
    /// The transport could not make a request of what came.
    case transport(TransportFault)
}

/// What a path reads as a body, in words for those who sent something else.
enum ReadableBodies: Sendable {
    case pictures
    case forms
    case parameters
    case layers

    /// What to send.
    var words: String {
        switch self {
        case .pictures:
            Self.forms.words
                + ", or the picture itself as image/png, image/jpeg, image/webp or application/octet-stream"
        case .forms: "multipart/form-data with a field 'image', application/json with 'image' in base64"
        case .parameters: "multipart/form-data or application/json with parameters, or nothing: the picture is a layer"
        case .layers:
            "multipart/form-data, image/vnd.adobe.photoshop, image/openraster, application/zip or"
                + " application/octet-stream"
        }
    }

    /// What to send where there is nothing at all.
    var adviceForNone: String {
        switch self {
        case .pictures, .parameters: "send a picture as the body or as the form field 'image'"
        case .forms: "send \(words)"
        case .layers: "send a PSD, PSB, OpenRaster file or ZIP as the body or as the form field 'file'"
        }
    }
}
