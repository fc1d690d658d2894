import ImageCodecs
import LayerFitting
import Testing

/// Regions of one colour, each of which a model of flat drawings is to leave in one layer.
@Suite struct FlatRegionsTests {
    private static let side = 40
    private static let finish = LayerFinish(fit: .model)
    private static let white: [UInt8] = [250, 250, 250]
    private static let red: [UInt8] = [200, 30, 40]

    private static func isInside(_ x: Int, _ y: Int) -> Bool { (10..<30).contains(x) && (10..<30).contains(y) }

    private static func drawn(
        _ width: Int, _ height: Int, _ paint: (_ x: Int, _ y: Int) -> ([UInt8], UInt8)
    ) throws -> PixelBuffer {
        let bytes = (0..<width * height).flatMap { place in
            let (color, alpha) = paint(place % width, place / width)
            return color + [alpha]
        }
        return try PixelBuffer(width: width, height: height, bytes: bytes)
    }

    private static func flat(_ color: [UInt8]) throws -> PixelBuffer {
        try PixelBuffer(width: side, height: side, red: color[0], green: color[1], blue: color[2], alpha: 255)
    }

    /// A red square on white.
    private static func square() throws -> PixelBuffer {
        try drawn(side, side) { x, y in (isInside(x, y) ? red : white, 255) }
    }

    private static func pixel(_ picture: PixelBuffer, _ x: Int, _ y: Int) -> [UInt8] {
        Array(picture.bytes[(y * picture.width + x) * 4..<(y * picture.width + x) * 4 + 4])
    }

    /// A model left a quarter of a square in the layer below, and dirt of it around: both are put right.
    @Test func aTornRegionIsGivenWhole() throws {
        let picture = try Self.square()
        let ground = try Self.drawn(Self.side, Self.side) { x, y in
            (Self.isInside(x, y) && x >= 25 ? Self.red : Self.white, 255)
        }
        let upper = try Self.drawn(Self.side, Self.side) { x, y in
            ([190, 40, 50], Self.isInside(x, y) && x < 25 ? 240 : !Self.isInside(x, y) && x < 6 && y < 6 ? 250 : 0)
        }
        let stack = try Self.finish.finish([ground, upper], of: picture, flatRegions: true)
        for (x, y) in [(10, 10), (24, 20), (25, 20), (29, 29)] {
            #expect(Self.pixel(stack[1], x, y) == Self.red + [255], "\(x), \(y)")
        }
        for (x, y) in [(0, 0), (5, 5), (9, 20), (30, 20)] { #expect(Self.pixel(stack[1], x, y)[3] == 0, "\(x), \(y)") }
        #expect(try Pixels.flattened(stack) == picture)
        // Where nobody says that the picture is flat, all stays.
        let other = try Self.finish.finish([ground, upper], of: picture)
        #expect(Self.pixel(other[1], 25, 20)[3] == 0 && Self.pixel(other[1], 5, 5)[3] == 250)
        #expect(try LayerFinish.none.finish([ground, upper], of: picture, flatRegions: true) == [ground, upper])
    }

    /// A region that is half transparent throughout was meant so, one of which no layer has most is left alone.
    @Test(arguments: [128, 60, 200]) func whatIsSoftStays(_ alpha: UInt8) throws {
        let share = Float(alpha) / 255
        let mixed = zip(Self.red, Self.white).map { UInt8(Float($0) * share + Float($1) * (1 - share) + 0.5) }
        let picture = try Self.drawn(Self.side, Self.side) { x, y in (Self.isInside(x, y) ? mixed : Self.white, 255) }
        let upper = try Self.drawn(Self.side, Self.side) { x, y in (Self.red, Self.isInside(x, y) ? alpha : 0) }
        let stack = try Self.finish.finish([try Self.flat(Self.white), upper], of: picture, flatRegions: true)
        #expect(Self.pixel(stack[1], 20, 20) == Self.red + [alpha])
        #expect(Self.pixel(stack[1], 5, 5)[3] == 0)
    }

    /// What is half transparent and of the picture's own colour was in one layer only: no halo stays around a thing.
    @Test func halosGo() throws {
        let picture = try Self.square()
        let upper = try Self.drawn(Self.side, Self.side) { x, y in
            let isNear = (4..<36).contains(x) && (4..<36).contains(y)
            return Self.isInside(x, y) ? (Self.red, 255) : ([235, 240, 245], isNear ? 100 : 0)
        }
        let stack = try Self.finish.finish([try Self.flat([240, 240, 240]), upper], of: picture, flatRegions: true)
        for (x, y) in [(6, 6), (20, 6), (35, 35)] {
            #expect(Self.pixel(stack[1], x, y)[3] == 0, "\(x), \(y)")
            #expect(Self.pixel(stack[0], x, y) == Self.white + [255], "\(x), \(y)")
        }
        #expect(Self.pixel(stack[1], 20, 20) == Self.red + [255])
    }

    /// A region where the model hesitates from place to place is the layer's that has the most of it, little as that
    /// is.
    @Test(arguments: [(5, 255), (4, 0)]) func moreThanHalfOfATornRegionIsEnough(_ seen: Int, _ alpha: UInt8) throws {
        let picture = try Self.square()
        func isSeen(_ x: Int, _ y: Int) -> Bool { Self.isInside(x, y) && (x + 4 * y) % 9 < seen }
        let ground = try Self.drawn(Self.side, Self.side) { x, y in
            (Self.isInside(x, y) && !isSeen(x, y) ? Self.red : Self.white, 255)
        }
        let upper = try Self.drawn(Self.side, Self.side) { x, y in (Self.red, isSeen(x, y) ? 255 : 0) }
        let stack = try Self.finish.finish([ground, upper], of: picture, flatRegions: true)
        for y in 10..<30 { for x in 10..<30 { #expect(Self.pixel(stack[1], x, y)[3] == alpha, "\(x), \(y)") } }
        #expect(try Pixels.flattened(stack) == picture)
    }

    /// A large piece that the model saw in another layer is none of its slips: two things of one colour that touch.
    /// Where it was not sure they are.
    @Test(arguments: [(10, 255, true), (30, 255, false), (30, 150, true)])
    func largePiecesStay(_ side: Int, _ alpha: UInt8, _ isGiven: Bool) throws {
        let picture = try PixelBuffer(width: 80, height: 80, red: 250, green: 250, blue: 250, alpha: 255)
        let upper = try Self.drawn(80, 80) { x, y in (Self.white, x < side && y < side ? alpha : 0) }
        let stack = try Self.finish.finish([picture, upper], of: picture, flatRegions: true)
        #expect(Self.pixel(stack[1], 5, 5)[3] == (isGiven ? 0 : 255))
    }

    /// Pixels along an edge are what the two regions beside them make, whatever the model had there.
    @Test func edgesAreMixtures() throws {
        let edge = zip(Self.red, Self.white).map { UInt8((3 * Int($0) + Int($1)) / 4) }
        let picture = try Self.drawn(Self.side, Self.side) { x, _ in
            (x < 20 ? Self.red : x == 20 ? edge : Self.white, 255)
        }
        let upper = try Self.drawn(Self.side, Self.side) { x, _ in (Self.red, x < 20 ? 255 : x == 20 ? 90 : 10) }
        let stack = try Self.finish.finish([try Self.flat(Self.white), upper], of: picture, flatRegions: true)
        for y in [0, 20, 39] {
            let found = Self.pixel(stack[1], 20, y)
            #expect(Array(found.prefix(3)) == Self.red && (188...194).contains(found[3]), "\(found)")
        }
    }

    /// Behind what hides it the background is what runs on from around, where the model's guess was nearly that, and
    /// near the edge in any case; where it was another, the model's.
    @Test(arguments: [(6, true, true), (12, true, true), (60, true, false), (200, false, false)])
    func outlinesBehindThingsGo(_ offset: Int, _ isSmoothedNearby: Bool, _ isSmoothed: Bool) throws {
        let picture = try Self.square()
        let ghost = Self.white.map { UInt8(Int($0) - offset) }
        let ground = try Self.drawn(Self.side, Self.side) { x, y in (Self.isInside(x, y) ? ghost : Self.white, 255) }
        let upper = try Self.drawn(Self.side, Self.side) { x, y in (Self.red, Self.isInside(x, y) ? 255 : 0) }
        let stack = try Self.finish.finish([ground, upper], of: picture, flatRegions: true)
        #expect(Self.pixel(stack[0], 12, 20) == (isSmoothedNearby ? Self.white : ghost) + [255])
        #expect(Self.pixel(stack[0], 20, 20) == (isSmoothed ? Self.white : ghost) + [255], "far behind the square")
        #expect(Self.pixel(stack[0], 5, 5) == Self.white + [255])
        #expect(try Pixels.flattened(stack) == picture)
    }

    /// A board behind a letter loses the letter's ghost as the ground does, however far away other things of its layer
    /// have other colours.
    @Test func ghostsInMiddleLayersGo() throws {
        let (blue, yellow, ink): ([UInt8], [UInt8], [UInt8]) = ([20, 60, 160], [240, 220, 30], [255, 255, 255])
        func isBoard(_ x: Int, _ y: Int) -> Bool { y >= 30 && y < 70 }
        func isThing(_ x: Int, _ y: Int) -> Bool { y >= 4 && y < 22 && x >= 10 && x < 70 }
        func isLetter(_ x: Int, _ y: Int) -> Bool { (36..<42).contains(x) && (40..<60).contains(y) }
        let picture = try Self.drawn(80, 80) { x, y in
            (isLetter(x, y) ? ink : isBoard(x, y) ? blue : isThing(x, y) ? yellow : Self.white, 255)
        }
        let ground = try PixelBuffer(width: 80, height: 80, red: 250, green: 250, blue: 250, alpha: 255)
        let middle = try Self.drawn(80, 80) { x, y in
            let color: [UInt8] = isLetter(x, y) ? [70, 100, 170] : isBoard(x, y) ? blue : yellow
            return (color, isBoard(x, y) || isThing(x, y) ? 255 : 0)
        }
        let top = try Self.drawn(80, 80) { x, y in (ink, isLetter(x, y) ? 255 : 0) }
        let stack = try Self.finish.finish([ground, middle, top], of: picture, flatRegions: true)
        #expect(Self.pixel(stack[1], 39, 50) == blue + [255])
        #expect(Self.pixel(stack[1], 39, 10) == yellow + [255])
        #expect(try Pixels.flattened(stack) == picture)
    }

    /// Behind a letter a board goes on, and where there is none no ghost of the letter is left in its layer.
    @Test func letterGhostsInMiddleLayersAlphaGo() throws {
        func isBoard(_ y: Int) -> Bool { y < 40 }
        func isLetter(_ x: Int, _ y: Int) -> Bool { (36..<42).contains(x) && (10..<70).contains(y) }
        let (board, ink): ([UInt8], [UInt8]) = ([20, 60, 160], [240, 220, 30])
        let picture = try Self.drawn(80, 80) { x, y in
            (isLetter(x, y) ? ink : isBoard(y) ? board : Self.white, 255)
        }
        let ground = try PixelBuffer(width: 80, height: 80, red: 250, green: 250, blue: 250, alpha: 255)
        let middle = try Self.drawn(80, 80) { x, y in
            (board, isLetter(x, y) ? (isBoard(y) ? 90 : 120) : isBoard(y) ? 255 : 0)
        }
        let top = try Self.drawn(80, 80) { x, y in (ink, isLetter(x, y) ? 255 : 0) }
        let stack = try Self.finish.finish([ground, middle, top], of: picture, flatRegions: true)
        #expect(Self.pixel(stack[1], 39, 20) == board + [255])
        #expect(Self.pixel(stack[1], 39, 60)[3] == 0)
        #expect(try Pixels.flattened(stack) == picture)
    }

    /// At the picture's own size straight edges are blurred by a column of one colour, which is no line: the ground
    /// keeps its colour there, and the letter its own, whatever the model saw.
    @Test(arguments: [2, 3, 5]) func edgesOfLargePicturesAreMixtures(_ scale: Int) throws {
        let side = Self.side * scale
        let edge = zip(Self.red, Self.white).map { UInt8((Int($0) + 2 * Int($1)) / 3) }
        let picture = try Self.drawn(side, side) { x, y in
            let isInside = x > 10 * scale && x < 30 * scale && y >= 10 * scale && y < 30 * scale
            let isEdge = (x == 10 * scale || x == 30 * scale) && y >= 10 * scale && y < 30 * scale
            return (isInside ? Self.red : isEdge ? edge : Self.white, 255)
        }
        let upper = try Self.drawn(Self.side, Self.side) { x, y in (Self.red, Self.isInside(x, y) ? 255 : 0) }
        let stack = try LayerFinish().finish([try Self.flat(Self.white), upper], of: picture, flatRegions: true)
        for column in [10 * scale, 30 * scale] {
            for row in [12 * scale, 20 * scale] {
                let (ground, found) = (Self.pixel(stack[0], column, row), Self.pixel(stack[1], column, row))
                #expect(zip(ground, Self.white).allSatisfy { abs(Int($0) - Int($1)) <= 3 }, "\(ground)")
                #expect(zip(found, Self.red).allSatisfy { abs(Int($0) - Int($1)) <= 6 }, "\(found)")
                #expect((80...90).contains(found[3]), "\(found)")
            }
        }
        #expect(try Pixels.largestDifference(Pixels.flattened(stack), picture) <= 1)
    }

    /// Behind a square on nothing there is no ground; behind one on a board there is, although the picture is clear
    /// elsewhere.
    @Test(arguments: [1, 3]) func nothingLiesBehindThingsOnNothing(_ scale: Int) throws {
        func picture(_ scale: Int, isOnBoard: Bool) throws -> PixelBuffer {
            try Self.drawn(Self.side * scale, Self.side * scale) { x, y in
                let (x, y) = (x / scale, y / scale)
                if Self.isInside(x, y) { return (Self.red, 255) }
                return isOnBoard && x >= 4 && x < 36 && y >= 4 && y < 36 ? (Self.white, 255) : ([0, 0, 0], 0)
            }
        }
        let upper = try Self.drawn(Self.side, Self.side) { x, y in (Self.red, Self.isInside(x, y) ? 255 : 0) }
        for isOnBoard in [false, true] {
            let whole = try picture(scale, isOnBoard: isOnBoard)
            let stack = try LayerFinish().finish([try Self.flat(Self.white), upper], of: whole, flatRegions: true)
            let middle = Self.pixel(stack[0], 20 * scale, 20 * scale)
            #expect(middle == (isOnBoard ? Self.white + [255] : [0, 0, 0, 0]), "\(middle)")
            #expect(Self.pixel(stack[1], 20 * scale, 20 * scale) == Self.red + [255])
            #expect(try Pixels.largestDifference(Pixels.flattened(stack), whole) <= 1)
        }
    }

    /// Colours that run into each other are one region, however far apart its ends are; transparent parts are none, and
    /// pieces of three pixels are none at 320 x 320.
    @Test func regionsEndAtEdges() throws {
        let gradient = try Self.drawn(64, 64) { x, y in
            ([UInt8(2 * x), 90, UInt8(2 * y)], x < 40 ? 255 : 128)
        }
        let upper = try Self.drawn(64, 64) { x, _ in ([9, 9, 9], x > 20 && x < 26 ? 255 : x >= 50 ? 70 : 0) }
        let stack = try Self.finish.finish([gradient, upper], of: gradient, flatRegions: true)
        #expect(Self.pixel(stack[1], 23, 30)[3] == 0, "the opaque part is one region")
        #expect(Self.pixel(stack[1], 55, 30)[3] == 70, "what shows through is none")

        func isDot(_ x: Int, _ y: Int) -> Bool { y == 100 && (100..<103).contains(x) }
        let dotted = try Self.drawn(320, 320) { x, y in (isDot(x, y) ? Self.red : Self.white, 255) }
        let dot = try Self.drawn(320, 320) { x, y in (Self.red, isDot(x, y) ? 240 : 0) }
        let ground = try PixelBuffer(width: 320, height: 320, red: 250, green: 250, blue: 250, alpha: 255)
        let kept = try LayerFinish(fit: .model, cleanUp: AlphaCleanUp(speckArea: 0)).finish(
            [ground, dot], of: dotted, flatRegions: true)
        #expect(Self.pixel(kept[1], 101, 100)[3] == 240)
    }

    /// Noise, one pixel, one layer, sixteen layers, a picture below and above the model's size: nothing traps, sizes
    /// stay, and layers fitted to the picture are the picture.
    @Test(arguments: [(1, 1, 1), (7, 3, 2), (33, 20, 16), (64, 64, 3)])
    func anySize(_ width: Int, _ height: Int, _ count: Int) throws {
        let layers = try (0..<count).map { try Pixels.noise(width, height, seed: UInt64($0)) }
        for (columns, rows) in [(width, height), (3 * width + 1, 2 * height), ((width + 1) / 2, height)] {
            let picture = try Pixels.noise(columns, rows, seed: 99)
            let stack = try Self.finish.finish(layers, of: picture, flatRegions: true)
            #expect(stack.map(\.width) == layers.map(\.width) && stack.count == count)
            let fitted = try LayerFinish().finish(layers, of: picture, flatRegions: true)
            #expect(try Pixels.largestDifference(Pixels.flattened(fitted), picture) <= 1, "\(columns)x\(rows)")
        }
    }
}
