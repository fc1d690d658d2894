import Foundation
import ImageCodecs
import ServiceAPI

/// The files of layers as commands write them.
enum LayerFiles {
    /// Layers that are no model's result: a folder's files, or one file in the target's form.
    static func files(of tree: LayerTree, for target: OutputTarget) throws -> [(name: String, bytes: [UInt8])] {
        switch target.kind {
        case .folder: return try TreeForm.folder(tree)
        case .psd, .psb, .ora, .pptx, .zip:
            guard let form = TreeForm(rawValue: target.kind.rawValue) else {
                preconditionFailure("a kind of file that is no form of layers")
            }
            return [(target.url.lastPathComponent, try form.encode(tree))]
        }
    }

    /// The names of what `mica decompose` writes for an output that is no folder.
    static func names(at url: URL, imageCount: Int, withSheet: Bool) -> [String] {
        let (stem, ending) = (url.deletingPathExtension().lastPathComponent, url.pathExtension)
        var names = [url.lastPathComponent]
        if imageCount > 1, ResultFormat(rawValue: ending.lowercased())?.isOfOneImage == true {
            names = (1...imageCount).map { "\(stem)-\($0).\(ending.lowercased())" }
        }
        guard withSheet else { return names }
        return names + (0..<imageCount).map { ResultNames.sheet(image: $0, of: imageCount, stem: stem) }
    }

    /// A result, as `mica decompose` writes it: everything for a folder (layers, PSDs, `result.json`), or one file in
    /// the target's form; several pictures get one each where a form holds one.
    static func files(
        of result: LayeredResult, for target: OutputTarget, options: FileOptions, withSheet: Bool
    ) throws -> [(name: String, bytes: [UInt8])] {
        let encoder = ResultEncoder(result, options: options)
        switch target.kind {
        case .folder: return try encoder.folder(withSheets: withSheet)
        case .psd, .psb, .ora, .pptx, .zip:
            guard let form = ResultFormat(rawValue: target.kind.rawValue) else {
                preconditionFailure("a kind of file that is no form of a result")
            }
            let names = names(at: target.url, imageCount: result.pictures.count, withSheet: withSheet)
            let count = form.isOfOneImage ? result.pictures.count : 1
            return try names.enumerated().map { place, name in
                let (format, image) = place < count ? (form, place) : (ResultFormat.sheet, place - count)
                return (name, try encoder.file(format, image: image))
            }
        }
    }
}
