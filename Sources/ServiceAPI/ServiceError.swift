import HTTPProtocol
import HTTPTransport
import ImageCodecs
import QwenImage

/// Every reason for which a request is not answered with layers.
enum ServiceError: Error, Sendable {
    /// No such path.
    case notFound(path: String)
    /// The path has no such method; `allowed` is for `Allow`.
    case methodNotAllowed(method: String, allowed: String)
    /// The client takes none of the forms that results come in, or asks for one that there is not.
    case notAcceptable(known: [String])
    /// A body of another media type than pictures and forms.
    case unsupportedMediaType(String)
    /// A request without any body.
    case emptyBody
    /// A form without a picture.
    case missingImage
    /// The query is not properly encoded.
    case query(PercentDecoder.Failure)
    /// The form is not properly written.
    case multipart(MultipartError)
    /// A name that is no parameter.
    case unknownParameter(name: String, known: [String])
    /// A parameter given more than once, perhaps under its two names.
    case repeatedParameter(name: String)
    /// A value that cannot be read as what the parameter is.
    case unreadableParameter(name: String, value: String, expected: String)
    /// The waiting line is full.
    case queueFull(retryAfterSeconds: Int)
    /// The picture cannot be used.
    case picture(ImageError)
    /// The result could not be written.
    case encoding(ImageError)
    /// The engine refused or failed.
    case pipeline(PipelineError)
    /// The transport could not make a request of what came.
    case transport(TransportFault)
}
