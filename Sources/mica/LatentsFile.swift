import Foundation
import TensorCore
import Weights

/// Noise given by the user: the tensor `latents` of a safetensors file, packed as the reference packs it.
enum LatentsFile {
    private static let tensor = "latents"

    /// The values of [images, tokens, channels], or of [tokens, channels] for one image.
    ///
    /// - Parameter channels: of a packed token; nil for any.
    /// - Throws: `CommandError.cannotRead` for another shape, such as that of latents that are not packed, whose values
    ///   would fit by their number alone, and for a type that is none of weights.
    static func read(_ path: String, channels: Int? = nil) throws -> [Float] {
        let file = try SafetensorsFile(file: URL(fileURLWithPath: path))
        let latents = try file.tensor(named: tensor)
        let shape = latents.shape.dimensions
        guard shape.count == 2 || shape.count == 3, channels ?? shape.last == shape.last else {
            throw CommandError.cannotRead(
                path: path,
                reason: "its tensor '\(tensor)' has the shape \(shape), but packed latents are"
                    + " [images, tokens, \(channels.map(String.init) ?? "channels")]")
        }
        guard latents.isWeight else {
            throw CommandError.cannotRead(
                path: path,
                reason: "its tensor '\(tensor)' is \(latents.dtype.rawValue); float32, bfloat16 and float16 are read")
        }
        return try latents.floats()
    }
}
