import TensorCore
import Testing

@Suite struct PlacementTests {
    private static let layout = ModelLayout(components: [
        .init(
            name: "text_encoder",
            blockLists: [
                .init(name: "text_encoder.layers", count: 4), .init(name: "text_encoder.visual.blocks", count: 2),
            ]),
        .init(name: "transformer", blockLists: [.init(name: "transformer.transformer_blocks", count: 6)]),
        .init(name: "vae", blockLists: []),
    ])
    private static let three = [DeviceName(.cpu, 0), DeviceName(.cpu, 1), DeviceName(.cpu, 2)]

    // MARK: Names and sizes

    @Test(arguments: [("cpu", "cpu:0"), ("cpu:7", "cpu:7"), ("cuda", "cuda:0"), ("cuda:63", "cuda:63")])
    func devicesAreRead(_ text: String, _ expected: String) throws {
        #expect(try DeviceName(text: text).description == expected)
    }

    @Test(arguments: [
        "", "gpu", "cpu:", "cpu:-1", "cpu:+1", "cpu:64", "cuda:99999999999999999999", "cpu:1:2", "CPU", "cpu ",
    ])
    func otherTextsAreNoDevices(_ text: String) {
        #expect(throws: PlacementError.unknownDevice(text, known: [])) { try DeviceName(text: text) }
    }

    @Test(arguments: [
        ("1048576", 1 << 20), ("0", 0), ("3GiB", 3 << 30), ("3 GiB", 3 << 30), ("3.5GiB", 7 << 29), ("512M", 512 << 20),
        ("6GB", 6_000_000_000), ("1024TiB", 1 << 50), ("0.5K", 512), ("7B", 7), ("2.4GiB", 2_576_980_377),
    ])
    func sizesAreRead(_ text: String, _ bytes: Int) throws {
        #expect(try ByteCount(text: text).bytes == bytes)
    }

    @Test(arguments: [
        "", "GiB", "-1GiB", "+1", "1e9", "3GiBs", "3 . 5GiB", "1.GiB", ".5GiB", "1025TiB", "99999999999999999999",
        "1.2.3G",
        "1.0000000001GiB", "3gib", "٣GiB",
    ])
    func otherTextsAreNoSizes(_ text: String) {
        #expect(throws: PlacementError.size(text)) { try ByteCount(text: text) }
    }

    /// What an error asks for is enough when it is typed in.
    @Test(arguments: [1, 1023, 1024, 1025, 123_456, 2_345_678_901, 2_576_980_369, 40_860_814_464, 1 << 30])
    func roundedUpSizesAreEnough(_ bytes: Int) throws {
        let printed = ByteCount(roundedUp: bytes).description
        #expect(try ByteCount(text: printed).bytes >= bytes, "\(printed)")
    }

    @Test func budgetsAreReadByDevice() throws {
        let budget = try MemoryBudget(devices: "cpu:1=2GiB,cuda:0=1GiB", hostBytes: 1 << 30)
        #expect(budget.limitBytes(of: DeviceName(.cpu, 1)) == 1 << 30)
        #expect(budget.limitBytes(of: DeviceName(.cpu, 0)) == 1 << 30)
        #expect(budget.limitBytes(of: DeviceName(.cuda, 0)) == 1 << 30)
        #expect(budget.limitBytes(of: DeviceName(.cuda, 1)) == nil)
        #expect(try MemoryBudget(devices: "6GiB").limitBytes(of: DeviceName(.cuda, 3)) == 6 << 30)
        #expect(throws: PlacementError.namedTwice("cpu:1")) { try MemoryBudget(devices: "cpu:1=1G,cpu:1=2G") }
    }

    // MARK: Plans

    @Test func plansAreRead() throws {
        #expect(try OffloadPlan.read("auto") == nil)
        for word in OffloadPlan.words where word != "auto" { #expect(try OffloadPlan.read(word)?.description == word) }
        #expect(try OffloadPlan.read("stream:12") == .stream(residentBlocks: 12))
        for text in ["", "stream:", "stream:-1", "stream:1001", "gpu", "disk:1"] {
            #expect(throws: PlacementError.unknownPlan(text)) { try OffloadPlan.read(text) }
        }
    }

    @Test func requestsAreRead() throws {
        let map = try DeviceMap(text: "transformer=cpu:1")
        #expect(try OffloadRequest() == OffloadRequest(offload: "auto"))
        #expect(try OffloadRequest(device: "cpu:0,cpu:1", map: map).plan == .deviceMap(map))
        #expect(throws: PlacementError.mapWithPlan("disk")) { try OffloadRequest(offload: "disk", map: map) }
        #expect(throws: PlacementError.namedTwice("cpu:0")) { try OffloadRequest(device: "cpu,cpu:0") }
        #expect(throws: PlacementError.unknownDevice("cuda:0", known: [.cpu])) {
            try OffloadRequest(budget: "cuda:0=1GiB")
        }
    }

    // MARK: Maps

    @Test func mapsAreResolved() throws {
        let map = try DeviceMap(
            text: "text_encoder.layers=cpu:1,text_encoder.visual=cpu:2,transformer.transformer_blocks.0-3=cpu:1,"
                + "transformer.transformer_blocks.4=cpu:0,transformer.transformer_blocks.5=cpu:2,vae=cpu:2")
        let placement = try map.resolved(for: Self.layout, devices: Self.three)
        #expect(placement.roots.mapValues(\.index) == ["text_encoder": 1, "transformer": 1, "vae": 2])
        #expect(placement.blocks["transformer.transformer_blocks"]?.map(\.index) == [1, 1, 1, 1, 0, 2])
        #expect(placement.blocks["text_encoder.visual.blocks"]?.map(\.index) == [2, 2])
    }

    private static let rest = "text_encoder=cpu,vae=cpu,"

    @Test(arguments: [
        (rest + "transformer=cuda:0", PlacementError.unknownDevice("cuda:0", known: three)),
        (
            rest + "transformer.transformer_blocks.0-3=cpu",
            .blocksMissing(list: "transformer.transformer_blocks", indices: [4, 5])
        ),
        (
            rest + "transformer=cpu,transformer.transformer_blocks.2=cpu:1",
            .namedTwice("transformer.transformer_blocks.2")
        ),
        (
            rest + "transformer.transformer_blocks.0-3=cpu,transformer.transformer_blocks.3-5=cpu:1",
            .namedTwice("transformer.transformer_blocks.3")
        ),
        ("text_encoder=cpu,transformer=cpu", .componentMissing("vae")),
        (
            rest + "transformer.transformer_blocks.0-6=cpu",
            .blockOutOfRange("transformer.transformer_blocks.0-6", count: 6)
        ),
        (
            rest + "transformer.transformer_blocks.3-1=cpu",
            .blockOutOfRange("transformer.transformer_blocks.3-1", count: 6)
        ),
        (rest + "transformer.transformer_blocks.=cpu", .blockOutOfRange("transformer.transformer_blocks.", count: 6)),
        (
            "text_encoder.layers=cpu,transformer=cpu,vae=cpu",
            .blocksMissing(list: "text_encoder.visual.blocks", indices: [0, 1])
        ),
    ])
    func badMapsAreRefused(_ text: String, _ error: PlacementError) throws {
        let map = try DeviceMap(text: text)
        #expect(throws: error) { try map.resolved(for: Self.layout, devices: Self.three) }
    }

    @Test func unknownNamesAreRefused() throws {
        for name in [
            "unet", "transformer.blocks", "vae.0", "transformer.transformer_blocks.0.attn", ".", "transformer.",
        ] {
            let map = try DeviceMap([.init(name: name, device: .cpu)])
            let error = #expect(throws: PlacementError.self) {
                try map.resolved(for: Self.layout, devices: Self.three)
            }
            #expect(error?.description.contains("'\(name)'") == true)
        }
    }

    @Test(arguments: [
        ("", PlacementError.mapEntry("")), ("transformer", .mapEntry("transformer")), ("=cpu", .mapEntry("=cpu")),
        ("vae=cpu,vae=cpu:1", .namedTwice("vae")), ("vae=tpu", .unknownDevice("tpu", known: [])),
    ])
    func brokenMapTextsAreRefused(_ text: String, _ error: PlacementError) {
        #expect(throws: error) { try DeviceMap(text: text) }
    }

    @Test func missingBlocksAreToldAsRanges() {
        let error = PlacementError.blocksMissing(list: "transformer.transformer_blocks", indices: [0, 1, 2, 7, 9, 10])
        #expect(error.description == "the device map leaves out blocks 0-2, 7, 9-10 of transformer.transformer_blocks")
    }
}
