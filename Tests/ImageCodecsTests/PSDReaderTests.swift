import ImageCodecs
import Testing

@Suite("PSD in")
struct PSDReaderTests {
    static let small = LayerReadOptions(maximumCanvasPixels: 1 << 16, maximumLayerPixels: 1 << 18)

    /// What comes back of a tree: layers trimmed, an empty one at the corner.
    static func kept(_ nodes: [LayerNode]) -> [LayerNode] {
        nodes.map { node in
            switch node {
            case .layer(let layer): return .layer(layer.trimmed())
            case .group(var group):
                group.children = kept(group.children)
                return .group(group)
            }
        }
    }

    @Test("what is written comes back", arguments: [PSDOptions.Size.standard, .large])
    func roundTrip(_ size: PSDOptions.Size) throws {
        for tree in [try LayerSamples.everything(), try LayerSamples.simple(), try LayerSamples.modes()] {
            let file = try PSDWriter.encode(tree, options: PSDOptions(size: size))
            #expect(file[5] == (size == .large ? 2 : 1))
            let read = try PSDReader.read(file, options: Self.small)
            #expect(read == (try LayerTree(width: tree.width, height: tree.height, nodes: Self.kept(tree.nodes))))
            #expect(Composite.flatten(read) == Composite.flatten(tree))
            let grouped = try PSDReader.read(PSDWriter.encode(tree, options: PSDOptions(groupName: "all", size: size)))
            #expect(grouped.nodes == [.group(LayerGroup(name: "all", children: read.nodes))])
        }
    }

    /// A PSD of one layer, put together by hand, so that every way to store a channel is there.
    static func handmade(
        mode: UInt8 = 3, depth: UInt8 = 8, channels: [(id: Int, data: [UInt8])], width: Int, height: Int,
        extra: [UInt8] = [], mask: [UInt8] = [], blend: String = "norm", flags: UInt8 = 8
    ) -> [UInt8] {
        func number(_ value: Int, _ size: Int) -> [UInt8] {
            (0..<size).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        var record = number(0, 8) + number(height, 4) + number(width, 4) + number(channels.count, 2)
        for channel in channels { record += number(channel.id, 2) + number(channel.data.count, 4) }
        let blocks = number(mask.count, 4) + mask + number(0, 4) + [1, 0x61, 0, 0] + extra
        record += Array("8BIM".utf8) + Array(blend.utf8) + [255, 0, flags, 0] + number(blocks.count, 4) + blocks
        let info = number(1, 2) + record + channels.flatMap(\.data)
        let layers = number(info.count, 4) + info
        let merged = number(0, 2) + [UInt8](repeating: 9, count: (mode == 1 ? 1 : 3) * width * height)
        return Array("8BPS".utf8) + number(1, 2) + number(0, 6) + number(mode == 1 ? 1 : 3, 2) + number(height, 4)
            + number(width, 4) + [0, depth, 0, mode] + number(0, 8) + number(layers.count, 4) + layers + merged
    }

    /// A zlib stream of one stored block.
    private static func zlib(_ bytes: [UInt8]) -> [UInt8] {
        var (low, high) = (1, 0)
        for byte in bytes {
            low = (low + Int(byte)) % 65_521
            high = (high + low) % 65_521
        }
        let count = UInt8(bytes.count)
        return [0x78, 0x01, 1, count, 0, ~count, 0xFF] + bytes
            + [UInt8(high >> 8), UInt8(high & 255), UInt8(low >> 8), UInt8(low & 255)]
    }

    private static let plane: [UInt8] = [10, 20, 30, 200, 100, 250]
    private static let stored: [[UInt8]] = [
        [0, 0] + plane,
        // A no-op (128), then literals of two and one.
        [0, 1, 0, 4, 0, 6, 2, 10, 20, 30, 128, 1, 200, 100, 0, 250],
        [0, 2] + zlib(plane),
        [0, 3] + zlib([10, 10, 10, 200, 156, 150]),
    ]

    @Test("channels raw, run-length coded, deflated and as differences", arguments: 0..<4)
    func compressions(_ index: Int) throws {
        let data = Self.stored[index]
        let file = Self.handmade(channels: [0, 1, 2].map { ($0, data) }, width: 3, height: 2)
        let layer = try #require(try PSDReader.read(file).layers.first)
        let expected: [UInt8] = Self.plane.flatMap { [$0, $0, $0, 255] as [UInt8] }
        #expect(layer.pixels?.bytes == expected)
        let grey = Self.handmade(mode: 1, channels: [(0, data)], width: 3, height: 2)
        #expect(try PSDReader.read(grey).layers.first?.pixels?.bytes == expected)
        for cut in 0..<file.count - 6 * 3 - 2 {
            #expect(throws: ImageError.self) { try PSDReader.read(Array(file[..<cut])) }
        }
    }

    @Test("a mask is in the alpha, unless it is switched off")
    func masks() throws {
        func number(_ value: Int) -> [UInt8] { [0, 0, 0, UInt8(value)] }
        let color = Self.stored[0]
        // The first two columns; white counts outside.
        let box = number(0) + number(0) + number(2) + number(2)
        let mask: [UInt8] = [0, 0, 0, 255, 128, 255]
        func alphas(_ flags: UInt8, _ outside: UInt8) throws -> [UInt8] {
            let file = Self.handmade(
                channels: [0, 1, 2].map { ($0, color) } + [(-2, mask)], width: 3, height: 2,
                mask: box + [outside, flags, 0, 0])
            let bytes = try #require(try PSDReader.read(file).layers.first?.pixels).bytes
            return [3, 7, 11, 15, 19, 23].map { bytes[$0] }
        }
        #expect(try alphas(0, 255) == [0, 255, 255, 128, 255, 255])
        #expect(try alphas(0, 0) == [0, 255, 0, 128, 255, 0])
        #expect(try alphas(2, 0) == [255, 255, 255, 255, 255, 255])
        #expect(throws: ImageError.self) { try alphas(16, 0) }
    }

    private static func block(_ key: String, _ data: [UInt8]) -> [UInt8] {
        Array("8BIM\(key)".utf8) + [0, 0, 0, UInt8(data.count)] + data
    }

    @Test(
        "what would be lost is refused by its name",
        arguments: [
            ("norm", block("lfx2", Array("masterFXSwitchbool\u{1}DrSh enabbool\u{1}".utf8)), "effects"),
            ("norm", block("curv", [0, 0, 0, 0]), "an adjustment"), ("norm", block("SoCo", [0]), "a fill"),
            ("norm", block("vmsk", [0, 0, 0, 3]), "a vector mask"),
            ("norm", block("vsms", [0, 0, 0, 3, 0, 0, 0, 3]), "a vector mask"),
            ("norm", block("artb", [0, 0, 0, 16]), "an artboard"), ("norm", block("artd", [0]), "an artboard"),
            ("norm", block("abdd", [0]), "an artboard"), ("norm", block("knko", [1, 0, 0, 0]), "a knockout"),
            ("vLit", [], "the blend mode \"vLit\""), ("diss", [], "the blend mode \"diss\""),
        ])
    func unsupported(_ blend: String, _ extra: [UInt8], _ what: String) throws {
        let channels = [0, 1, 2].map { ($0, Self.stored[0]) }
        let file = Self.handmade(channels: channels, width: 3, height: 2, extra: extra, blend: blend)
        let error = #expect(throws: ImageError.self) { try PSDReader.read(file) }
        #expect(error?.description.contains(what) == true, "\(error?.description ?? "")")
        #expect(error?.description.contains("\"a\"") == true)
        // Nobody sees what a hidden layer has.
        let hidden = Self.handmade(channels: channels, width: 3, height: 2, extra: extra, blend: blend, flags: 10)
        #expect(try PSDReader.read(hidden).layers.count == 1)
    }

    @Test("effects that are switched off do not matter")
    func disabledEffects() throws {
        for text in ["masterFXSwitchbool\u{0}DrSh enabbool\u{1}", "masterFXSwitchbool\u{1}DrSh enabbool\u{0}"] {
            let extra = Self.block("lfx2", Array(text.utf8))
            let channels = [0, 1, 2].map { ($0, Self.stored[0]) }
            let file = Self.handmade(channels: channels, width: 3, height: 2, extra: extra)
            #expect(try PSDReader.read(file).layers.count == 1)
        }
    }

    @Test("a vector mask that is switched off does not matter", arguments: ["vmsk", "vsms"])
    func disabledVectorMask(_ key: String) throws {
        let extra = Self.block(key, [0, 0, 0, 3, 0, 0, 0, 4])
        let file = Self.handmade(channels: [0, 1, 2].map { ($0, Self.stored[0]) }, width: 3, height: 2, extra: extra)
        #expect(try PSDReader.read(file).layers.count == 1)
    }

    @Test("other colour modes and depths are named", arguments: [(4, 8, "CMYK"), (9, 8, "Lab"), (3, 16, "16 bits")])
    func modes(_ mode: UInt8, _ depth: UInt8, _ text: String) throws {
        let file = Self.handmade(mode: mode, depth: depth, channels: [], width: 3, height: 2)
        let error = #expect(throws: ImageError.self) { try PSDReader.read(file) }
        #expect(error?.description.contains(text) == true)
    }

    @Test("a file without layers is its merged picture")
    func flat() throws {
        let full = Self.handmade(channels: [], width: 3, height: 2)
        // Cut the layer section out.
        let file = Array(full[..<34]) + [0, 0, 0, 0] + Array(full.suffix(20))
        let tree = try PSDReader.read(file)
        #expect(tree.layers.map(\.name) == ["background"])
        #expect(Composite.flatten(tree).bytes == (0..<6).flatMap { _ in [9, 9, 9, 255] as [UInt8] })
    }

    @Test("sizes beyond the limits take no memory")
    func limits() throws {
        let tree = try LayerTree(layers: [LayerSamples.layer("a", x: 0, y: 0, width: 20, height: 10)])
        var file = try PSDWriter.encode(tree)
        #expect(throws: ImageError.tooManyPixels(width: 20, height: 10, limit: 199)) {
            try PSDReader.read(file, options: LayerReadOptions(maximumCanvasPixels: 199))
        }
        #expect(throws: ImageError.tooManyPixels(width: 20, height: 10, limit: 199)) {
            try PSDReader.read(file, options: LayerReadOptions(maximumLayerPixels: 199))
        }
        // A canvas of 30,000 x 30,000 and nothing behind it.
        file.replaceSubrange(14..<22, with: [0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30])
        #expect(throws: ImageError.tooManyPixels(width: 30_000, height: 30_000, limit: 100_000_000)) {
            try PSDReader.read(file)
        }
        // A layer that says it is a million times what its bytes can hold.
        let bomb = Self.handmade(channels: [0, 1, 2].map { ($0, [0, 2, 0x78, 1]) }, width: 9_000, height: 9_000)
        #expect(throws: ImageError.truncated(.photoshop)) { try PSDReader.read(bomb) }
    }

    @Test("cut off anywhere: an error")
    func truncated() throws {
        for size in [PSDOptions.Size.standard, .large] {
            let file = try PSDWriter.encode(LayerSamples.simple(), options: PSDOptions(size: size))
            // Behind the layers comes the merged picture, which is not looked at.
            let layers = try #require(file.indices.last { file[$0...].starts(with: Array("8BIMluni".utf8)) })
            for cut in stride(from: 0, to: layers + 40, by: cut(layers)) {
                let part = Array(file[..<cut])
                #expect(throws: ImageError.self, "\(cut)") { try PSDReader.read(part, options: Self.small) }
            }
        }
    }

    private func cut(_ count: Int) -> Int { max(1, count / 3_000) }

    @Test("altered anywhere: an error or a tree")
    func mutated() throws {
        for (index, tree) in [try LayerSamples.everything(), try LayerSamples.simple()].enumerated() {
            let file = try PSDWriter.encode(tree, options: PSDOptions(size: index == 0 ? .standard : .large))
            // Most of the file is profile and pixels; what is in between is short, so that it is met often enough.
            mutate(file, count: 300, seed: UInt64(index + 5)) { (altered) throws(ImageError) in
                let tree = try PSDReader.read(altered, options: Self.small)
                #expect(tree.width * tree.height <= Self.small.maximumCanvasPixels)
            }
        }
        let channels = [0, 1, 2].map { ($0, Self.stored[$0 + 1]) }
        let extra = Self.block("lsct", [0, 0, 0, 0]) + Self.block("iOpa", [200, 0, 0, 0])
        let file = Self.handmade(channels: channels, width: 3, height: 2, extra: extra)
        mutate(file, count: 1_500, seed: 77) { (altered) throws(ImageError) in
            _ = try PSDReader.read(altered, options: Self.small)
        }
    }

    @Test("groups that do not begin, do not end, or go too deep")
    func groups() throws {
        let group = LayerGroup(name: "g", children: [.layer(ImageLayer(name: "l", pixels: nil))])
        let tree = try LayerTree(width: 4, height: 4, nodes: [.group(group)])
        let file = try PSDWriter.encode(tree)
        func place(_ text: String, _ bytes: [UInt8]) throws -> Int {
            let pattern = Array(text.utf8)
            return try #require((0..<bytes.count - 8).first { bytes[$0..<$0 + pattern.count].elementsEqual(pattern) })
        }
        // The first lsct is the end marker: without it the folder has no beginning.
        var open = file
        let first = try place("8BIMlsct", open)
        open[first + 15] = 0
        #expect(throws: ImageError.damaged(.photoshop, detail: "a group that does not begin")) {
            try PSDReader.read(open)
        }
        var unended = file
        let last = try #require(unended.indices.last { unended[$0...].starts(with: Array("8BIMlsct".utf8)) })
        unended[last + 15] = 0
        #expect(throws: ImageError.damaged(.photoshop, detail: "a group that does not end")) {
            try PSDReader.read(unended)
        }
    }

    /// The way to sRGB was made anew for each layer, 4 ms each, which a file of many small layers is full of. Compared
    /// with the same file without its profile, by the time of processors that a process of its own takes.
    @Test("layers of a file with a colour profile are not dear")
    func manyLayersWithAProfile() async {
        await #expect(processExitsWith: .success) { try PSDReaderTests.checkManyLayersWithAProfile() }
    }

    private static func checkManyLayersWithAProfile() throws {
        let pixel = try PixelBuffer(width: 1, height: 1, red: 9, alpha: 255)
        let nodes = (0..<LayerTree.maximumNodes - 2).map { LayerNode.layer(ImageLayer(name: "\($0)", pixels: pixel)) }
        let file = try PSDWriter.encode(LayerTree(width: 64, height: 64, nodes: nodes))
        var plain = file
        // Resource 1039 becomes one that nobody knows.
        let pattern = Array("8BIM".utf8) + [4, 15]
        let place = try #require(file.firstRange(of: pattern)).lowerBound
        plain[place + 5] = 0xFF
        var counts: [Int] = []
        let time = try processorSeconds { counts.append(try PSDReader.read(file).layers.count) }
        let plainTime = try processorSeconds { counts.append(try PSDReader.read(plain).layers.count) }
        #expect(counts == [nodes.count, nodes.count])
        // One profile is read, and a layer may cost twice what it costs without; it was 100 times that.
        #expect(time < 2 * plainTime + 1, "\(time) s, and \(plainTime) s without a profile")
    }
}
