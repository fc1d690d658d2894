import Foundation
import TensorCore
import Testing
import Weights

@Suite struct CheckpointFileTests {
    private let folder: ScratchFolder
    private let url: URL

    init() throws {
        folder = try ScratchFolder()
        url = folder.url.appending(path: "single.safetensors")
        try SafetensorsWriter.write(
            [
                NamedTensor(name: "model.diffusion_model.b", shape: [1], floats: [2]),
                NamedTensor(name: "model.diffusion_model.a", shape: [1], floats: [1]),
                NamedTensor(name: "vae.a", shape: [1], floats: [3]),
            ], to: url)
    }

    @Test func prefixIsTakenOff() throws {
        let file = try CheckpointFile(file: url, prefixes: ["diffusion_model.", "model.diffusion_model.", "vae."])
        #expect(file.names == ["a", "b"])
        #expect(try file.tensor(named: "a", shape: [1]).floats() == [1])
        #expect(!file.contains("vae.a"))
        #expect(!file.contains("model.diffusion_model.a"))
        #expect(throws: WeightsError.tensorMissing(tensor: "model.diffusion_model.c", file: url.path)) {
            try file.tensor(named: "c")
        }
    }

    @Test(arguments: [[], ["transformer."]])
    func namesStandWithoutAPrefix(_ prefixes: [String]) throws {
        let file = try CheckpointFile(file: url, prefixes: prefixes)
        #expect(file.names == ["model.diffusion_model.a", "model.diffusion_model.b", "vae.a"])
        #expect(try file.tensor(named: "vae.a").floats() == [3])
    }
}
