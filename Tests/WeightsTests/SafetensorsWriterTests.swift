import Foundation
import TensorCore
import Testing
import Weights

@Suite struct SafetensorsWriterTests {
    private let folder: ScratchFolder
    private let url: URL

    init() throws {
        folder = try ScratchFolder()
        url = folder.url.appending(path: "out.safetensors")
    }

    @Test func writesWhatIsReadBack() throws {
        try SafetensorsWriter.write(
            [
                NamedTensor(name: "step.0.latents", shape: [2, 2], floats: [1, -2.5, .infinity, 0]),
                NamedTensor(name: "ids", shape: [3], int64s: [1, -1, 1 << 40]),
                NamedTensor(name: "empty", shape: [0], floats: []),
                NamedTensor(name: "scalar", shape: [], floats: [7]),
            ], metadata: ["prompt": "a \"b\"\\\n\u{1}ü", "seed": "1"], to: url)
        let file = try SafetensorsFile(file: url)
        #expect(file.names == ["empty", "ids", "scalar", "step.0.latents"])
        #expect(file.metadata == ["prompt": "a \"b\"\\\n\u{1}ü", "seed": "1"])
        #expect(try file.tensor(named: "step.0.latents", shape: [2, 2]).floats() == [1, -2.5, .infinity, 0])
        #expect(try file.tensor(named: "scalar", shape: []).floats() == [7])
        let ids = try file.tensor(named: "ids", shape: [3])
        #expect(ids.dtype == .int64)
        #expect(try folder.contents() == ["out.safetensors"])
    }

    /// The layout to the byte, as the Python library writes it: header padded to 8 with spaces, wide elements first.
    @Test func layout() throws {
        let entries = [
            SafetensorsEntry(name: "b", dtype: .uint8, shape: [3]),
            SafetensorsEntry(name: "z", dtype: .float32, shape: [1]),
            SafetensorsEntry(name: "a", dtype: .float32, shape: [1]),
        ]
        let writer = try SafetensorsWriter(file: url, entries: entries)
        #expect(writer.entries.map(\.name) == ["a", "z", "b"])
        try writer.append([UInt8(1), 2], to: "b")
        try writer.append([Float(1)], to: "z")
        try writer.append([UInt8(3)], to: "b")
        try writer.append([Float(0.5)], to: "a")
        try writer.finish()
        var header = #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"#
        header += #""z":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},"#
        header += #""b":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}}"#
        while header.utf8.count % 8 != 0 { header += " " }
        let expected = safetensors(header: header, data: littleEndian([0.5, 1]) + [1, 2, 3])
        #expect(try Array(Data(contentsOf: url)) == expected)
    }

    @Test func copiesTensorsOfAnyType() throws {
        let source = try SafetensorsFile(file: fixture("all_dtypes.safetensors"))
        let entries = try source.names.map { name in
            let tensor = try source.tensor(named: name)
            return SafetensorsEntry(name: name, dtype: tensor.dtype, shape: tensor.shape)
        }
        let writer = try SafetensorsWriter(file: url, entries: entries, metadata: source.metadata)
        for name in source.names { try writer.append(source.tensor(named: name), to: name) }
        try writer.finish()
        let copy = try SafetensorsFile(file: url)
        #expect(copy.names == source.names && copy.metadata == source.metadata)
        for name in source.names {
            #expect(try bytes(copy.tensor(named: name)) == bytes(source.tensor(named: name)), "\(name)")
        }
    }

    @Test func anUnfinishedFileLeavesNothing() throws {
        try folder.write("old", as: "out.safetensors")
        let entry = SafetensorsEntry(name: "a", dtype: .float32, shape: [1])
        do {
            let writer = try SafetensorsWriter(file: url, entries: [entry])
            try writer.append([Float(1)], to: "a")
            #expect(try folder.contents().count == 2)
        }
        #expect(try folder.contents() == ["out.safetensors"])
        #expect(try String(contentsOf: url, encoding: .utf8) == "old")
        try SafetensorsWriter.write([NamedTensor(name: "a", shape: [1], floats: [2])], to: url)
        #expect(try SafetensorsFile(file: url).tensor(named: "a").floats() == [2])
    }

    @Test func aPathThatCannotBeWritten() throws {
        let error = #expect(throws: WeightsError.self) {
            try SafetensorsWriter.write([], to: URL(filePath: "/no/such/folder/out.safetensors"))
        }
        #expect(error?.description == "cannot create /no/such/folder/out.safetensors: No such file or directory")
        let folderError = #expect(throws: WeightsError.self) { try SafetensorsWriter.write([], to: folder.url) }
        #expect(folderError?.description.hasPrefix("cannot write \(folder.url.path): ") == true)
    }

    private func bytes(_ tensor: HostTensor) -> [UInt8] {
        tensor.memory.withUnsafeBytes { Array($0[tensor.byteOffset..<(tensor.byteOffset + tensor.byteCount)]) }
    }
}
