import ImageCodecs
import Testing

@testable import ImageCodecs

/// What transparent parts are filled with: the colours around.
@Suite struct FilledPictureTests {
    private func picture(_ width: Int, _ height: Int, _ pixel: (Int, Int) -> [UInt8]) throws -> PixelBuffer {
        try PixelBuffer(
            width: width, height: height,
            bytes: (0..<height).flatMap { y in (0..<width).flatMap { x in pixel(x, y) } })
    }

    @Test func opaquePicturesStay() throws {
        let opaque = try picture(5, 3) { [UInt8($0 * 40), UInt8($1 * 80), 7, 255] }
        #expect(try FilledPicture.of(opaque) == opaque)
    }

    /// One colour anywhere fills everything; nothing at all is white.
    @Test(arguments: [(1, 1), (7, 5), (64, 33), (300, 2)])
    func oneColourFillsEverything(_ width: Int, _ height: Int) throws {
        let dot = try FilledPicture.of(
            try picture(width, height) { $0 == width / 2 && $1 == height / 2 ? [200, 100, 50, 255] : [1, 2, 3, 0] })
        for pixel in 0..<(width * height) {
            let found = dot.bytes[(pixel * 4)..<(pixel * 4 + 4)]
            #expect(zip(found, [200, 100, 50, 255] as [UInt8]).allSatisfy { abs(Int($0) - Int($1)) <= 1 }, "\(found)")
        }
        let empty = try FilledPicture.of(try picture(width, height) { _, _ in [9, 9, 9, 0] })
        #expect(empty.bytes.allSatisfy { $0 == 255 })
    }

    /// Opaque pixels keep their values, and a hole takes the colours of the side that is nearer.
    @Test func nearerColoursComeFirst() throws {
        let side = 64
        let holed = try picture(side, side) { x, y in
            let isHole = (20..<44).contains(x) && (20..<44).contains(y)
            return isHole ? [0, 0, 0, 0] : x < side / 2 ? [250, 0, 0, 255] : [0, 0, 250, 255]
        }
        let filled = try FilledPicture.of(holed)
        for index in stride(from: 0, to: holed.bytes.count, by: 4) where holed.bytes[index + 3] == 255 {
            #expect(filled.bytes[index..<(index + 4)] == holed.bytes[index..<(index + 4)])
        }
        func red(_ x: Int) -> UInt8 { filled.bytes[(32 * side + x) * 4] }
        #expect(red(21) > 200 && red(42) < 50 && (60...190).contains(red(32)))
    }
}
