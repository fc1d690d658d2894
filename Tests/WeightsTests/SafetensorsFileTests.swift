import Foundation
import TensorCore
import Testing
import Weights

@Suite struct SafetensorsFileTests {
    private let folder: ScratchFolder

    init() throws {
        folder = try ScratchFolder()
    }

    @Test func pythonFileOfAllTypes() throws {
        let file = try SafetensorsFile(file: fixture("all_dtypes.safetensors"))
        let shapes: [String: (DType, Shape)] = [
            "float64": (.float64, [2]), "float32": (.float32, [2, 3]), "bfloat16": (.bfloat16, [14]),
            "float16": (.float16, [14]), "float8_e4m3fn": (.float8E4M3, [2]), "float8_e5m2": (.float8E5M2, [2]),
            "int8": (.int8, [2]), "uint8": (.uint8, [3]), "int16": (.int16, [2, 1]), "int32": (.int32, [1]),
            "int64": (.int64, [2]), "bool": (.bool, [3]), "scalar": (.float32, []), "empty": (.float32, [0, 4]),
            "float16.widened": (.float32, [14]), "bfloat16.widened": (.float32, [14]),
        ]
        #expect(file.names == shapes.keys.sorted())
        #expect(Set(shapes.values.map(\.0)) == Set(DType.allCases).subtracting(DType.blockTypes + [.int4]))
        for (name, (dtype, shape)) in shapes {
            let tensor = try file.tensor(named: name, shape: shape)
            #expect(tensor.dtype == dtype && tensor.shape == shape, "\(name)")
        }
        #expect(file.metadata == ["format": "pt", "note": "ü \"quoted\"\n"])
        #expect(try file.tensor(named: "float32").floats() == [0, 0.25, 0.5, 0.75, 1, 1.25])
        #expect(try file.tensor(named: "scalar").floats() == [2.5])
        #expect(try file.tensor(named: "empty").floats() == [])
    }

    @Test(arguments: 0..<9)
    func dataMayBeginAnywhere(_ padding: Int) throws {
        let header = #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"# + String(repeating: " ", count: padding)
        let url = try folder.write(safetensors(header: header, data: littleEndian([1.5, -3])), as: "a.safetensors")
        #expect(try SafetensorsFile(file: url).tensor(named: "a").floats() == [1.5, -3])
    }

    @Test func acceptsWhatTheFormatAllows() throws {
        let headers = [
            "{}", "{ }", #"{"__metadata__":{}}"#,
            // Keys in any order, white space anywhere, keys of later versions, tensors in any order.
            """
            {"b":{"data_offsets":[4,5],"shape":[1],"dtype":"U8","later":[1.5e-3,{"x":[true,false,null]},-0]},
             "a" : { "dtype" : "I32" , "shape" : [ 1, 1 ] , "data_offsets" : [ 0 , 4 ] } }
            """,
            #"{"a\u00e9\ud83d\ude00\/":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}"#,
        ]
        let dataLengths = [0, 0, 0, 5, 4]
        for (header, count) in zip(headers, dataLengths) {
            let url = try folder.write(safetensors(header: header, data: Array(repeating: 0, count: count)), as: "a")
            #expect(throws: Never.self, "\(header)") { try SafetensorsFile(file: url) }
        }
        let last = try SafetensorsFile(file: folder.url.appending(path: "a"))
        #expect(last.names == ["aé😀/"])
    }

    @Test func zerosNeedNotBeStored() throws {
        let header = #"{"__metadata__":{"mica.zeros":"{\"z\":[2,3],\"b\":[]}"},"#
            + #""a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#
        let url = try folder.write(safetensors(header: header, data: littleEndian([1.5])), as: "zeros.safetensors")
        let file = try SafetensorsFile(file: url)
        #expect(file.names == ["a", "b", "z"] && file.contains("z"))
        let zeros = try file.tensor(named: "z", shape: [2, 3])
        #expect(zeros.dtype == .bfloat16)
        #expect(try zeros.floats() == [0, 0, 0, 0, 0, 0])
        #expect(try file.tensor(named: "b").floats() == [0])
        #expect(try file.tensor(named: "a").floats() == [1.5])
    }

    @Test func missingTensorAndWrongShapeAreNamed() throws {
        let file = try SafetensorsFile(file: fixture("all_dtypes.safetensors"), name: "vae/x.safetensors")
        #expect(throws: WeightsError.tensorMissing(tensor: "other", file: "vae/x.safetensors")) {
            try file.tensor(named: "other")
        }
        let error = #expect(throws: WeightsError.self) { try file.tensor(named: "float32", shape: [3, 2]) }
        #expect(
            error?.description
                == "the tensor 'float32' in vae/x.safetensors has the shape [2, 3], but [3, 2] is expected")
    }

    @Test func thousandsOfTensors() throws {
        let entries = (0..<2000).map { index in
            SafetensorsEntry(name: "transformer_blocks.\(index).attn.to_q.weight", dtype: .bfloat16, shape: [3, 2])
        }
        let url = folder.url.appending(path: "many.safetensors")
        let writer = try SafetensorsWriter(file: url, entries: entries)
        for entry in entries { try writer.append(Array(repeating: UInt8(1), count: 12), to: entry.name) }
        try writer.finish()
        #expect(try SafetensorsFile(file: url).names.count == 2000)
    }

    /// Offsets beyond 32 bits, in a file that takes no room on the disk.
    @Test func sparseFileBeyondFourGiB() throws {
        let large = 5 << 30
        let header = """
            {"large":{"dtype":"U8","shape":[\(large)],"data_offsets":[0,\(large)]},\
            "last":{"dtype":"F32","shape":[1],"data_offsets":[\(large),\(large + 4)]}}
            """
        let url = try folder.write(safetensors(header: header), as: "sparse.safetensors")
        let handle = try FileHandle(forWritingTo: url)
        try handle.seek(toOffset: handle.seekToEnd() + UInt64(large))
        try handle.write(contentsOf: littleEndian([0.5]))
        try handle.close()
        #expect(try SafetensorsFile(file: url).tensor(named: "last", shape: [1]).floats() == [0.5])
    }
}
