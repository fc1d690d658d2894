import HTTPProtocol
import ImageCodecs

/// The forms that a result comes in.
public enum ResultFormat: String, Sendable, CaseIterable {
    case multipart
    case mixed
    case zip
    case psd
    case psb
    case ora
    case pptx
    case sheet
    case json

    /// For `Accept` and `Content-Type`.
    public var mediaType: String {
        switch self {
        case .multipart: "multipart/form-data"
        case .mixed: "multipart/mixed"
        case .zip: "application/zip"
        case .psd: "image/vnd.adobe.photoshop"
        case .psb: "image/x-psb"
        case .ora: OpenRasterWriter.mediaType
        case .pptx: SlideWriter.mediaType
        case .sheet: "image/png"
        case .json: "application/json"
        }
    }

    /// Whether it holds one picture and no more.
    public var isOfOneImage: Bool { [.psd, .psb, .ora, .sheet].contains(self) }

    /// The query parameter that overrides `Accept`.
    static let parameterName = "format"

    /// The names in queries that say how a result comes, and not what it is.
    static let queryNames = [parameterName] + FileOptions.Name.allCases.map(\.rawValue)

    /// The form that `name` asks for, else the one that `Accept` prefers.
    static func chosen(name: String?, accept: AcceptField) throws(ServiceError) -> ResultFormat {
        if let name {
            guard let format = ResultFormat(rawValue: name) else {
                throw .notAcceptable(known: allCases.map(\.rawValue))
            }
            return format
        }
        let best = accept.best(of: allCases.map(\.mediaType))
        guard let format = allCases.first(where: { $0.mediaType == best }) else {
            throw .notAcceptable(known: allCases.map(\.mediaType))
        }
        return format
    }
}
