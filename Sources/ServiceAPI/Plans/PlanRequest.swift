import HTTPProtocol
import ImageCodecs
import LayerFitting
import QwenImage

/// What `POST /v1/plan` asks: a job's parameters, and the picture or its size, or neither for a square one.
struct PlanRequest: Sendable {
    /// Names besides those of a job.
    static let widthName = "width"
    static let heightName = "height"
    /// Sides that pictures have.
    static let sideRange = 1...DecodeOptions.defaultMaximumSide

    let options: DecompositionOptions
    /// What becomes of the layers.
    let finish: LayerFinish
    /// Of the picture in pixels; nil if nothing was said.
    let size: (width: Int, height: Int)?

    /// Reads query and body; the body may be left out. Throws as for a job, where the picture is the least of it.
    init(_ head: RequestHead, body: [UInt8], maximumPixels: Int) throws(ServiceError) {
        var reader = OptionReader()
        var sides = Sides()
        for (name, value) in try RequestQuery(head).pairs where try !sides.take(name, value) {
            try reader.read(name, value)
        }
        var picture: [UInt8] = []
        if head.hasBody, !body.isEmpty {
            let body = try RequestBody(RequestBodyKind(head), body, needsPicture: false)
            for field in body.fields where try !sides.take(field) { try reader.read(field) }
            picture = body.picture
        }
        options = reader.options
        finish = reader.finish
        size = try Self.size(sides, picture, maximumPixels)
    }

    private static func size(
        _ sides: Sides, _ picture: [UInt8], _ maximumPixels: Int
    ) throws(ServiceError) -> (width: Int, height: Int)? {
        guard !picture.isEmpty else {
            guard let size = try sides.both() else { return nil }
            guard size.width * size.height <= maximumPixels else {
                throw .picture(.tooManyPixels(width: size.width, height: size.height, limit: maximumPixels))
            }
            return size
        }
        guard sides.isEmpty else {
            throw .unreadableParameter(
                name: widthName, value: "\(sides.width ?? sides.height ?? 0)",
                expected: "left out where the picture is given")
        }
        var options = DecodeOptions()
        options.maximumPixels = maximumPixels
        do {
            return try ImageDecoder.size(of: picture, options: options)
        } catch {
            throw .picture(error)
        }
    }

    /// `width` and `height`, each at most once.
    private struct Sides {
        var width: Int?
        var height: Int?

        var isEmpty: Bool { width == nil && height == nil }

        /// Takes a parameter if it is one of the two.
        mutating func take(_ name: String, _ value: String) throws(ServiceError) -> Bool {
            switch name {
            case widthName:
                guard width == nil else { throw .repeatedParameter(name: name) }
                width = try ParameterText.integer(value, name, sideRange)
            case heightName:
                guard height == nil else { throw .repeatedParameter(name: name) }
                height = try ParameterText.integer(value, name, sideRange)
            default: return false
            }
            return true
        }

        mutating func take(_ field: BodyField) throws(ServiceError) -> Bool {
            guard field.name == widthName || field.name == heightName else { return false }
            guard field.kind == nil || field.kind == .number, let text = field.text else {
                throw .unreadableParameter(
                    name: field.name, value: "\(field.bytes.count) bytes", expected: "a whole number")
            }
            return try take(field.name, field.kind == nil ? text : ParameterText.normalized(number: text))
        }

        /// Both, or nil for neither.
        func both() throws(ServiceError) -> (width: Int, height: Int)? {
            switch (width, height) {
            case (nil, nil): return nil
            case (let width?, let height?): return (width, height)
            default:
                throw .unreadableParameter(
                    name: width == nil ? widthName : heightName, value: "",
                    expected: "given together with the other side")
            }
        }
    }
}
