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

    /// A result, as `mica decompose` writes it: everything for a folder (layers, PSDs, `result.json`), or one file in
    /// the target's form; several pictures get one each where a form holds one.
    static func files(
        of result: LayeredResult, for target: OutputTarget, options: FileOptions, withSheet: Bool
    ) throws -> [(name: String, bytes: [UInt8])] {
        let encoder = ResultEncoder(result, options: options)
        let stem = target.url.deletingPathExtension().lastPathComponent
        var files: [(name: String, bytes: [UInt8])]
        switch target.kind {
        case .folder:
            files = try encoder.folder().map { ($0.name, $0.bytes) }
        case .psd, .psb, .ora, .pptx, .zip:
            guard let form = ResultFormat(rawValue: target.kind.rawValue) else {
                preconditionFailure("a kind of file that is no form of a result")
            }
            let count = form.isOfOneImage ? result.pictures.count : 1
            files = try (0..<count).map { image in
                let name = count > 1 ? "\(stem)-\(image + 1).\(form.rawValue)" : target.url.lastPathComponent
                return (name, try encoder.file(form, image: image))
            }
        }
        if withSheet {
            for image in result.pictures.indices {
                let number = result.pictures.count > 1 ? "-\(image + 1)" : ""
                let name = target.kind == .folder ? "sheet\(number).png" : "\(stem)-sheet\(number).png"
                files.append((name, try encoder.file(.sheet, image: image)))
            }
        }
        return files
    }
}
