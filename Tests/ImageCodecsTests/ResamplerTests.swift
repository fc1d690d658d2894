import ImageCodecs
import Testing

/// A resize whose result Pillow or torch gave, by `tools/make_image_fixtures.py`.
struct ResizeCase: Decodable, Sendable, CustomTestStringConvertible {
    let width: Int
    let height: Int
    let channels: Int
    let kind: Int
    let seed: UInt32
    let newWidth: Int
    let newHeight: Int
    let filter: String
    let crc: UInt32

    var testDescription: String { "\(filter) \(channels)x8 \(width)x\(height) to \(newWidth)x\(newHeight)" }

    static let all: [ResizeCase] = (try? Fixture.json("resize.json", as: [ResizeCase].self)) ?? []
}

@Suite("Resizing")
struct ResamplerTests {
    @Test("there are enough cases of each filter")
    func casesExist() {
        #expect(ResizeCase.all.filter { $0.filter != "torchAntialiasedBicubic" }.count >= 40)
        #expect(ResizeCase.all.filter { $0.filter == "torchAntialiasedBicubic" }.count >= 15)
        #expect(ResizeCase.all.filter { $0.channels == 4 }.count >= 20)
    }

    @Test("equals the reference bit for bit", arguments: ResizeCase.all)
    func equalsReference(_ fixture: ResizeCase) throws {
        let filter: ResampleFilter =
            switch fixture.filter {
            case "lanczos": .lanczos
            case "bicubic": .bicubic
            default: .torchAntialiasedBicubic
            }
        let bytes = Pattern.bytes(
            width: fixture.width, height: fixture.height, channels: fixture.channels, kind: fixture.kind,
            seed: fixture.seed)
        let result: [UInt8]
        if fixture.channels == 4 {
            let image = try PixelBuffer(width: fixture.width, height: fixture.height, bytes: bytes)
            result = try Resampler.resize(
                image, width: fixture.newWidth, height: fixture.newHeight, filter: filter
            ).bytes
        } else {
            let image = try RGBBuffer(width: fixture.width, height: fixture.height, bytes: bytes)
            result = try Resampler.resize(
                image, width: fixture.newWidth, height: fixture.newHeight, filter: filter
            ).bytes
        }
        #expect(crc32(result) == fixture.crc)
    }

    @Test("torch's filter on RGBA treats the channels alike")
    func torchOnRGBA() throws {
        let bytes = Pattern.bytes(width: 19, height: 23, channels: 4, kind: 0, seed: 5)
        let image = try PixelBuffer(width: 19, height: 23, bytes: bytes)
        let four = try Resampler.resize(image, width: 28, height: 14, filter: .torchAntialiasedBicubic)
        let three = try Resampler.resize(
            RGBBuffer(droppingAlphaOf: image), width: 28, height: 14, filter: .torchAntialiasedBicubic)
        #expect(RGBBuffer(droppingAlphaOf: four) == three)
    }

    @Test("the same size gives the same picture, colour under alpha 0 included")
    func sameSize() throws {
        let bytes = Pattern.bytes(width: 9, height: 7, channels: 4, kind: 0, seed: 3)
        let image = try PixelBuffer(width: 9, height: 7, bytes: bytes)
        for filter in ResampleFilter.allCases {
            #expect(try Resampler.resize(image, width: 9, height: 7, filter: filter) == image)
        }
    }

    @Test("an opaque picture stays opaque")
    func staysOpaque() throws {
        var bytes = Pattern.bytes(width: 40, height: 30, channels: 4, kind: 2, seed: 3)
        for offset in stride(from: 3, to: bytes.count, by: 4) { bytes[offset] = 255 }
        let image = try PixelBuffer(width: 40, height: 30, bytes: bytes)
        #expect(try Resampler.resize(image, width: 17, height: 61, filter: .lanczos).isOpaque)
    }

    @Test("sizes out of range are refused", arguments: [(0, 5), (5, 0), (-1, 5), (65_537, 1), (65_536, 65_536)])
    func refusesSizes(_ width: Int, _ height: Int) throws {
        let image = try PixelBuffer(width: 2, height: 2)
        #expect(throws: ImageError.self) {
            try Resampler.resize(image, width: width, height: height, filter: .lanczos)
        }
    }
}
