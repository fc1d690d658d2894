import ImageCodecs
import Testing

@Suite("Flat pictures")
struct FlatPictureTests {
    @Test(
        "JPEG keeps the colours' resolution from quality 90 on, and says 300 dpi", arguments: [(89, 0x22), (90, 0x11)])
    func jpeg(_ quality: Int, _ sampling: UInt8) throws {
        var flat = FlatPicture()
        flat.quality = quality
        let file = try flat.jpeg(PixelBuffer(width: 20, height: 10, red: 200, alpha: 255))
        // JFIF 1.1: behind the version the unit, 1 for inches, and both densities.
        #expect(file[2..<11].elementsEqual([0xFF, 0xE0, 0, 16] + Array("JFIF\u{0}".utf8)))
        #expect(file[13..<18].elementsEqual([1, 1, 44, 1, 44]))
        // The frame's header: the first of three components, after its number.
        let frame = try #require(file.indices.dropLast(12).first { file[$0] == 0xFF && file[$0 + 1] == 0xC0 })
        #expect(file[frame + 9] == 3 && file[frame + 11] == sampling)
    }
}
