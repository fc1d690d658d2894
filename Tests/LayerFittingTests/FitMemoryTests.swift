import LayerFitting
import Testing

/// What finishing takes, told from sizes alone.
struct FitMemoryTests {
    private static func memory(
        _ finish: LayerFinish, count: Int = 4, side: Int = 640, picture: Int = 4900
    ) -> FitMemory {
        FitMemory(
            finish, count: count, width: side, height: side, pictureWidth: picture, pictureHeight: picture, threads: 2)
    }

    /// The results, the picture at 2450, 1225 and 613 pixels, alpha at 2450: nearly all of it.
    @Test func largeParts() {
        let memory = Self.memory(LayerFinish(cleanUp: nil))
        #expect(memory.resultBytes == 4 * 4 * 4900 * 4900)
        let guides = 4 * (2450 * 2450 + 1225 * 1225 + 613 * 613)
        let alpha = 4 * 2450 * 2450
        let parts = memory.resultBytes + guides + alpha + 4 * 640 * 640 * 5 + 640 * 640 * 4
        #expect(memory.peakBytes > parts && memory.peakBytes < parts + parts / 20)
    }

    /// The model's own size takes what cleaning takes, and nothing where nothing is done.
    @Test func theModelsSize() {
        let stack = 4 * 640 * 640 * 4
        #expect(Self.memory(LayerFinish(fit: .model)) == Self.memory(LayerFinish(fit: .model), picture: 100))
        #expect(Self.memory(LayerFinish(fit: .model)).peakBytes == 2 * stack)
        #expect(Self.memory(.none).peakBytes == 0)
    }

    /// Of flat regions: alpha, the picture at the model's size, and 34 bytes a pixel for hidden colours, more than the
    /// regions take; the picture's halves while it is made small. At the picture's own size its alpha, the pixels'
    /// owners and, for few layers, the regions. Nothing without cleaning, nor beside many layers.
    @Test func regionsAreCounted() {
        func peak(_ finish: LayerFinish, count: Int, picture: Int, flatRegions: Bool = true) -> Int {
            FitMemory(
                finish, count: count, width: 640, height: 640, pictureWidth: picture, pictureHeight: picture,
                threads: 2, flatRegions: flatRegions
            ).peakBytes
        }
        let pixels = 640 * 640
        let model = LayerFinish(fit: .model)
        #expect(peak(model, count: 1, picture: 640) == pixels * (4 + 1 + 4 + 34))
        #expect(
            peak(model, count: 1, picture: 4900)
                == pixels * (4 + 1 + 4 + 4) + 4 * (2450 * 2450 + 1225 * 1225 + 613 * 613))
        #expect(peak(model, count: 16, picture: 640) == 2 * 16 * pixels * 4)
        #expect(peak(.none, count: 1, picture: 640) == 0)
        let (large, layers) = (4900 * 4900, 4)
        let fitted = LayerFinish()
        let plain = peak(fitted, count: layers, picture: 4900, flatRegions: false)
        #expect(peak(fitted, count: layers, picture: 4900) == plain + (layers + 1) * large)
        #expect(peak(fitted, count: 2, picture: 4900) > 2 * large + 11 * large)
        #expect(peak(fitted, count: 4, picture: 640) == peak(fitted, count: 4, picture: 640, flatRegions: false))
    }

    /// More layers and larger pictures take more; pictures below the model's size less.
    @Test func growsWithLayersAndPicture() {
        let finish = LayerFinish()
        let sizes = [40, 640, 641, 1000, 1100, 4000, 12_000].map { Self.memory(finish, picture: $0).peakBytes }
        #expect(sizes == sizes.sorted() && Set(sizes).count == sizes.count)
        let counts = (1...16).map { Self.memory(finish, count: $0).peakBytes }
        #expect(counts == counts.sorted() && Set(counts).count == counts.count)
    }
}
