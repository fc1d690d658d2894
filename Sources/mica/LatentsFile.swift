import Foundation
import Weights

/// Noise given by the user: the tensor `latents` of a safetensors file, packed as the reference packs it.
enum LatentsFile {
    static func read(_ path: String) throws -> [Float] {
        let file = try SafetensorsFile(file: URL(fileURLWithPath: path))
        return try file.tensor(named: "latents").floats()
    }
}
