import Foundation
import ImageCodecs
import ServiceAPI

/// The files of a result, as `mica decompose` writes them.
enum LayerFiles {
    /// Everything for a folder (PNGs, PSDs, `result.json`), or one PSD (one an image, if there are several) or ZIP.
    static func files(
        of result: LayeredResult, for target: OutputTarget
    ) throws -> [(name: String, bytes: [UInt8])] {
        let encoder = ResultEncoder(result)
        switch target.kind {
        case .folder:
            return try encoder.parts().map { ($0.fileName ?? "\($0.name).json", $0.bytes) }
        case .psd:
            let stem = target.url.deletingPathExtension().lastPathComponent
            let parts = try encoder.psdParts()
            return parts.enumerated().map { index, part in
                (parts.count > 1 ? "\(stem)-\(index + 1).psd" : target.url.lastPathComponent, part.bytes)
            }
        case .zip:
            return [(target.url.lastPathComponent, try encoder.zip())]
        }
    }
}
