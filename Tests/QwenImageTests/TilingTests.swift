import CPUBackend
import Foundation
import QwenImage
import TensorCore
import Testing
import Weights

/// The autoencoder in tiles against the reference's tiled functions; made by `tools/make_tiling_goldens.py`.
struct TilingTests {
    /// Float32 sums in another order, as everywhere.
    private static let tolerance = 1e-4

    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let tiling: AutoencoderTiling
        var testDescription: String { name }
    }

    static let cases = [
        Case(name: "small", tiling: AutoencoderTiling(tile: 64, stride: 48)),
        Case(name: "narrow", tiling: AutoencoderTiling(tile: 64, stride: 48)),
        Case(name: "usual", tiling: .reference),
    ]

    @Test(arguments: cases)
    func equalsTheReference(_ test: Case) throws {
        let file = try SafetensorsFile(file: GoldenCase.root.appendingPathComponent("tiling.safetensors"))
        let model = try ModelFolder(GoldenCase.root.appendingPathComponent("checkpoints/tiny"))
        let backend = CPUBackend()
        let autoencoder = model.openAutoencoder(on: backend)

        let picture = try file.tensor(named: "\(test.name).picture")
        let pixels = picture.memory.withUnsafeBytes { bytes in
            bytes[picture.byteOffset..<picture.byteOffset + picture.byteCount].map { 2 * (Float($0) / 255) - 1 }
        }
        let encoded = try autoencoder.encode(try backend.upload(pixels, picture.shape), tiling: test.tiling)
        let expected = try file.tensor(named: "\(test.name).encoded")
        #expect(encoded.shape == expected.shape)
        #expect(relativeError(try backend.download(encoded), try expected.floats()) <= Self.tolerance)

        let latent = try file.tensor(named: "\(test.name).latent")
        let decoded = try autoencoder.decode(
            try backend.upload(try latent.floats(), latent.shape), tiling: test.tiling)
        #expect(decoded.shape == picture.shape)
        let values = try backend.download(decoded)
        let rows = try Self.int32(file.tensor(named: "\(test.name).rows"))
        let line = decoded.shape.rowElementCount
        let kept = rows.flatMap { values[(Int($0) * line)..<((Int($0) + 1) * line)] }
        #expect(relativeError(kept, try file.tensor(named: "\(test.name).decoded").floats()) <= Self.tolerance)

        // Without tiles the result is another: the seams are blended, not equal.
        let whole = try backend.download(
            try autoencoder.decode(try backend.upload(try latent.floats(), latent.shape)))
        #expect(relativeError(values, whole) > 10 * Self.tolerance)
    }

    /// A picture that one tile holds is taken whole.
    @Test func smallPicturesHaveNoSeams() throws {
        let model = try ModelFolder(GoldenCase.root.appendingPathComponent("checkpoints/tiny"))
        let backend = CPUBackend()
        let autoencoder = model.openAutoencoder(on: backend)
        let latent = try backend.upload([Float](repeating: 0.5, count: 32 * 32 * 16), [32, 32, 16])
        let tiled = try backend.download(try autoencoder.decode(latent, tiling: .reference))
        #expect(tiled == (try backend.download(try autoencoder.decode(latent))))
    }

    /// In tiles the activations do not grow with the picture.
    @Test func memoryDoesNotGrow() throws {
        let model = try ModelFolder(GoldenCase.root.appendingPathComponent("checkpoints/tiny"))
        let peaks = try [64, 128].map { (side: Int) in
            let backend = CPUBackend(threads: 2).rehearsal(limitBytes: nil)
            let autoencoder = model.openAutoencoder(on: backend)
            let latent = try backend.empty([side, side, 16])
            let output = try autoencoder.decode(latent, tiling: .reference)
            // The latent twice: given, and scaled.
            return backend.memory.peakBytes - output.byteCount - 2 * latent.byteCount
        }
        #expect(Double(peaks[1]) < 1.1 * Double(peaks[0]))
    }

    private static func int32(_ tensor: HostTensor) -> [Int32] {
        tensor.memory.withUnsafeBytes { bytes in
            (0..<tensor.shape.elementCount).map {
                bytes.loadUnaligned(fromByteOffset: tensor.byteOffset + 4 * $0, as: Int32.self)
            }
        }
    }
}
