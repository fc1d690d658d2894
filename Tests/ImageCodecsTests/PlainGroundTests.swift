import ImageCodecs
import Testing

/// What lies under transparent parts for models that have seen none.
@Suite struct PlainGroundTests {
    private static let side = 40

    /// A square of one colour on nothing, with a half-transparent rim.
    private static func square(_ color: [UInt8], alpha: UInt8 = 255) throws -> PixelBuffer {
        let bytes = (0..<side * side).flatMap { place -> [UInt8] in
            let (x, y) = (place % side, place / side)
            let isInside = (10..<30).contains(x) && (10..<30).contains(y)
            let isRim = isInside && !((11..<29).contains(x) && (11..<29).contains(y))
            return color + [isRim ? alpha / 2 : isInside ? alpha : 0]
        }
        return try PixelBuffer(width: side, height: side, bytes: bytes)
    }

    private static func pixel(_ picture: PixelBuffer, _ x: Int, _ y: Int) -> [UInt8] {
        Array(picture.bytes[(y * picture.width + x) * 4..<(y * picture.width + x) * 4 + 4])
    }

    @Test func opaquePicturesStay() throws {
        let opaque = try PixelBuffer(width: 3, height: 2, red: 250, green: 250, blue: 250, alpha: 255)
        #expect(try PlainGround.under(opaque) == opaque)
    }

    /// White under dark and bright colours alike, something else under what is nearly white.
    @Test(arguments: [[0, 0, 0], [200, 30, 40], [250, 220, 30], [250, 250, 250], [255, 240, 200]] as [[UInt8]])
    func theGroundStandsOut(_ color: [UInt8]) throws {
        let picture = try PlainGround.under(try Self.square(color))
        let ground = Self.pixel(picture, 0, 0)
        let distance = zip(ground.prefix(3), color).map { (Double($0) - Double($1)) * (Double($0) - Double($1)) }
        #expect(distance.reduce(0, +).squareRoot() >= 90, "\(ground) under \(color)")
        #expect((ground == [255, 255, 255, 255]) == (color[2] < 200))
        #expect(Self.pixel(picture, 20, 20) == color + [255])
        let rim = Self.pixel(picture, 10, 20)
        for channel in 0..<3 {
            let middle = (Int(ground[channel]) * 128 + Int(color[channel]) * 127) / 255
            #expect(abs(Int(rim[channel]) - middle) <= 1, "\(rim)")
        }
    }

    /// White inside of a dark rim would be taken for white ground.
    @Test func whatLiesInsideCounts() throws {
        let bytes = (0..<Self.side * Self.side).flatMap { place -> [UInt8] in
            let (x, y) = (place % Self.side, place / Self.side)
            let isRim = !((10..<30).contains(x) && (10..<30).contains(y))
            guard (4..<36).contains(x), (4..<36).contains(y) else { return [0, 0, 0, 0] }
            return isRim ? [20, 30, 90, 255] : [255, 255, 255, 255]
        }
        let picture = try PixelBuffer(width: Self.side, height: Self.side, bytes: bytes)
        let ground = Self.pixel(try PlainGround.under(picture), 0, 0)
        for color in [[255, 255, 255], [20, 30, 90]] {
            let distance = zip(ground.prefix(3), color).map { (Double($0) - Double($1)) * (Double($0) - Double($1)) }
            #expect(distance.reduce(0, +).squareRoot() >= 90, "\(ground)")
        }
    }

    /// Nothing at all, faint things, one pixel: a colour is found and all is opaque.
    @Test(arguments: [0, 10, 100, 254] as [UInt8])
    func anyAlpha(_ alpha: UInt8) throws {
        for picture in [
            try Self.square([255, 255, 255], alpha: alpha),
            try PixelBuffer(width: 1, height: 1, red: 9, green: 9, blue: 9, alpha: alpha),
        ] {
            let found = try PlainGround.under(picture)
            #expect(found.width == picture.width && found.isOpaque)
        }
        let nothing = try PlainGround.under(try Self.square([9, 9, 9], alpha: 0))
        #expect(nothing.bytes.allSatisfy { $0 == 255 })
    }
}
