import ImageCodecs
import LayerFitting
import QwenImage
import ServiceAPI
import TensorCore
import Testing
import Weights

/// What is said beforehand of finishing the layers, beside what is there in the end.
@Suite struct FinishForecastTests {
    /// A picture that nothing makes smaller, with an alpha of the random one.
    private static func noise(_ width: Int, _ height: Int, alpha: (UInt8) -> UInt8) throws -> PixelBuffer {
        var state: UInt64 = 1
        let bytes = (0..<width * height * 4).map { place -> UInt8 in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let value = UInt8(state >> 56)
            return place % 4 == 3 ? alpha(value) : value
        }
        return try PixelBuffer(width: width, height: height, bytes: bytes)
    }

    private static func parameters(layers: Int) throws -> DecompositionParameters {
        var options = DecompositionOptions()
        (options.layers, options.prompt, options.seed) = (layers, "noise", 1)
        return try options.resolved(with: ModelDefaults())
    }

    /// What many processors take for as many PNGs is gone when the files are there a second time.
    @Test func whatIsNotThereAtOnceIsNotAdded() throws {
        var options = DecompositionOptions()
        (options.layers, options.prompt, options.seed) = (6, "a", 1)
        let parameters = try options.resolved(with: ModelDefaults())
        let (width, height) = (3000, 2100)
        let forecast = FinishForecast(
            LayerFinish(), of: JobForecast(width: 640, height: 448, stages: []), for: parameters, width: width,
            height: height, flatRegions: false, processors: 16)
        // Six layers, their files, and of each file rows and what they are compressed to.
        let canvas = width * height * 4
        #expect((24 * canvas...25 * canvas).contains(forecast.hostBytes), "\(forecast.hostBytes)")
    }

    /// Of a large picture writing the files takes more than making the layers: what is there at once, of a picture of
    /// noise, which nothing makes smaller, is within the forecast.
    @Test(arguments: [1, 4])
    func writingTheFilesIsCounted(_ layers: Int) throws {
        let (width, height) = (640, 480)
        var options = DecompositionOptions()
        (options.layers, options.prompt, options.seed) = (layers, "noise", 1)
        let parameters = try options.resolved(with: ModelDefaults())
        let noise = try Self.noise(width, height) { _ in 255 }
        // Each layer above the bottom one shows in some columns, and hides there what is below.
        let stack = try (0..<layers).map { index in
            let bytes = (0..<160 * 120 * 4).map { place -> UInt8 in
                let column = place / 4 % 160
                if place % 4 == 3 { return index == 0 || column * layers / 160 == index ? 255 : 0 }
                return UInt8((column + 3 * (place / 640)) % 250)
            }
            return try PixelBuffer(width: 160, height: 120, bytes: bytes)
        }
        let decomposition = Decomposition(
            images: [stack], parameters: parameters, caption: nil, width: 160, height: 120, stageSeconds: [],
            peakTensorBytes: 0, loras: [])
        let result = try LayeredResult(
            decomposition, of: noise, finish: LayerFinish(),
            modelName: "a")
        let files = try ResultEncoder(result).folder().reduce(0) { $0 + $1.bytes.count }
        let canvas = width * height * 4
        // The layers, and the flat picture while the PSD is made.
        let held = (layers + 1) * canvas + files
        let forecast = FinishForecast(
            LayerFinish(), of: JobForecast(width: 160, height: 120, stages: []), for: parameters, width: width,
            height: height, flatRegions: false)
        #expect(held <= forecast.hostBytes, "\(files)")
    }

    /// Layers that are noise through and through, alpha too, make files as large as files get: the PNGs are there, the
    /// PSD, and of one layer its planes, which are the PSD's already.
    @Test func noiseInEveryLayerIsWithinTheForecast() throws {
        let (width, height, count) = (640, 480, 10)
        let noise = try Self.noise(width, height) { max($0, 1) }
        let parameters = try Self.parameters(layers: count)
        let layers = (1...count).map { ImageLayer(name: "layer \($0)", pixels: noise) }
        let result = LayeredResult(
            pictures: [try LayerTree(layers: layers)],
            of: Decomposition(
                images: [], parameters: parameters, caption: nil, width: width, height: height, stageSeconds: [],
                peakTensorBytes: 0, loras: []), modelName: "a", finish: LayerFinish())
        let files = try ResultEncoder(result).folder().reduce(0) { $0 + $1.bytes.count }
        let held = (count + 1) * noise.bytes.count + files
        let forecast = FinishForecast(
            LayerFinish(), of: JobForecast(width: 160, height: 120, stages: []), for: parameters, width: width,
            height: height, flatRegions: false, processors: 2)
        #expect(held <= forecast.hostBytes, "\(held), \(forecast.hostBytes)")
        #expect(Double(forecast.hostBytes) <= 1.05 * Double(held), "\(held), \(forecast.hostBytes)")
    }

    /// The layers beside one that is split are there all the time, and are written with its parts.
    @Test func layersBesideASplitOneAreCounted() throws {
        let (width, height, count) = (640, 480, 2)
        let whole = try Self.noise(width, height) { max($0, 1) }
        let small = try Self.noise(160, 120) { _ in 255 }
        var layers = (1...6).map { ImageLayer(name: "layer \($0)", pixels: whole) }
        layers.append(ImageLayer(name: "small", pixels: small, x: 40, y: 40))
        let tree = try LayerTree(width: width, height: height, nodes: layers.map { .layer($0) })
        let split = try #require(try LayerSplit(tree, index: 6))
        let parameters = try Self.parameters(layers: count)
        let stack = try (0..<count).map { try PixelBuffer(width: 64, height: 64, red: UInt8($0), alpha: 200) }
        let result = try LayeredResult(
            Decomposition(
                images: [stack], parameters: parameters, caption: nil, width: 64, height: 64, stageSeconds: [],
                peakTensorBytes: 0, loras: []), of: split.picture, finish: LayerFinish(), modelName: "a", split: split)
        let files = try ResultEncoder(result).folder().reduce(0) { $0 + $1.bytes.count }
        let pixels = result.pictures[0].layers.reduce(small.bytes.count) { $0 + ($1.pixels?.bytes.count ?? 0) }
        let held = pixels + whole.bytes.count + files
        let others = OtherLayers(split, fileBytes: 1_000_000)
        #expect(others.count == 6 && others.pixelBytes == 6 * whole.bytes.count)
        #expect(others.heldBytes == others.pixelBytes + small.bytes.count + 1_000_000)
        var job = JobForecast(width: 64, height: 64, stages: [])
        // Told for the model's size it is the picture's nevertheless.
        job.finish = FinishForecast(
            LayerFinish(fit: .model), of: job, for: parameters, others: others, width: split.picture.width,
            height: split.picture.height, flatRegions: false, processors: 2)
        #expect(held + 1_000_000 <= job.peakProcessBytes, "\(held), \(job.peakProcessBytes)")
        #expect(job.hostPeak.bytes == job.peakProcessBytes)
    }

    /// What is there all the time is there in each stage too.
    @Test func whatIsHeldCountsInEveryStage() {
        let stage = StageForecast(
            stage: .denoise, peaks: [], heldWeightBytes: 0, sharedWeightBytes: 0,
            process: ProcessMeter.Bytes(ownBytes: 1000, mappedBytes: 100, hostBytes: 10), readBytes: 0, weightBytes: 0,
            movedBytes: 0, work: Work(), repetitions: 1, readBytesARepetition: 0)
        var job = JobForecast(width: 64, height: 64, stages: [stage])
        job.finish = FinishForecast(hostBytes: 5, heldBytes: 300)
        #expect(job.peakProcessBytes == 1410 && job.finishProcessBytes == 305)
        #expect(job.hostPeak.bytes == 1310 && job.hostPeak.stage == .denoise)
        #expect(job.mappedProcessBytes == 100)
    }
}
