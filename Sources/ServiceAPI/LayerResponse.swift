import HTTPProtocol
import ImageCodecs

/// The answer to `POST /v1/layers`.
enum LayerResponse {
    /// The result in the form that was asked for; a PSD holds one image, so a job for more of them has been refused.
    static func make(_ encoder: ResultEncoder, as format: ResultFormat) throws(ImageError) -> Response {
        switch format {
        case .multipart: return try multipart(encoder)
        case .zip: return file(try encoder.zip(), type: format.mediaType, name: "layers.zip")
        case .psd:
            let part = try encoder.psdParts().first
            return file(part?.bytes ?? [], type: format.mediaType, name: part?.fileName ?? "layers.psd")
        case .json:
            return response(type: format.mediaType, body: [try encoder.manifestWithLayers()])
        }
    }

    private static func multipart(_ encoder: ResultEncoder) throws(ImageError) -> Response {
        var generator = SystemRandomNumberGenerator()
        let characters = (0..<boundaryLength).map { _ in
            MultipartWriter.boundaryAlphabet.randomElement(using: &generator) ?? 0x30
        }
        var writer = MultipartWriter(boundary: String(decoding: characters, as: UTF8.self))
        for part in try encoder.parts() {
            writer.add(name: part.name, fileName: part.fileName, contentType: part.mediaType, content: part.bytes)
        }
        return response(type: writer.contentType, body: writer.finished())
    }

    private static let boundaryLength = 40

    private static func file(_ bytes: [UInt8], type: String, name: String) -> Response {
        var response = response(type: type, body: [bytes])
        response.fields.append(("Content-Disposition", "attachment; filename=\"\(name)\""))
        return response
    }

    private static func response(type: String, body: [[UInt8]]) -> Response {
        Response(status: 200, fields: [("Content-Type", type), ("Vary", "Accept")] + ServiceFields.always, body: body)
    }
}
