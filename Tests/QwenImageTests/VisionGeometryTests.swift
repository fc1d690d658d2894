import Foundation
import ImageCodecs
import Testing

@testable import QwenImage

/// What follows from a picture's size alone, against the reference (`tools/make_textencoder_fixtures.py`).
@Suite struct VisionGeometryTests {
    struct Fixture: Decodable {
        struct Window: Decodable {
            let height: Int
            let width: Int
            let windowIndex: [Int32]
            let boundaries: [Int]
        }
        struct Rope: Decodable {
            let height: Int
            let width: Int
            let before: Int
            let after: Int
            let positions: [[Int]]
            let next: Int
        }
        struct Resize: Decodable {
            let height: Int
            let width: Int
            let minPixels: Int
            let maxPixels: Int
            let size: [Int]?
        }
        let windows: [Window]
        let rope: [Rope]
        let resize: [Resize]
        let textFrequencies: [Float]
        let visionFrequencies: [Float]
    }

    static func fixture() throws -> Fixture {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(
            Fixture.self, from: Data(contentsOf: TextEncoderGolden.fixture("textencoder/geometry.json")))
    }

    static func preprocessor(_ keys: String = "") throws -> ImagePreprocessor {
        let stored = try JSONDecoder().decode(StoredImageProcessor.self, from: Data("{\(keys)}".utf8))
        return ImagePreprocessor(configuration: try ImagePreprocessorConfiguration(stored, file: "processor"))
    }

    @Test func windowsAreTheReferences() throws {
        for expected in try Self.fixture().windows {
            let grid = PatchGrid(height: expected.height, width: expected.width, mergeSize: 2)
            let layout = WindowLayout(grid: grid, windowTokens: 4)
            #expect(layout.windowIndex == expected.windowIndex, "\(grid)")
            #expect(layout.boundaries == expected.boundaries, "\(grid)")
            #expect(layout.reverseIndex.map { layout.windowIndex[Int($0)] } == (0..<Int32(grid.mergedCount)).map { $0 })
        }
    }

    @Test func ropePositionsAreTheReferences() throws {
        for expected in try Self.fixture().rope {
            let grid = PatchGrid(height: expected.height, width: expected.width, mergeSize: 2)
            let image = expected.before..<(expected.before + grid.mergedCount)
            let positions = RopePositions(
                count: image.upperBound + expected.after, imageRange: image, grid: grid)
            #expect([positions.temporal, positions.height, positions.width] == expected.positions)
            #expect(positions.next == expected.next)
        }
    }

    @Test func sizesAreTheReferences() throws {
        for expected in try Self.fixture().resize {
            let preprocessor = try Self.preprocessor(
                "\"min_pixels\": \(expected.minPixels), \"max_pixels\": \(expected.maxPixels)")
            if let size = expected.size {
                let (height, width) = try preprocessor.smartResize(height: expected.height, width: expected.width)
                #expect([height, width] == size, "\(expected)")
            } else {
                #expect(throws: PipelineError.self) {
                    try preprocessor.smartResize(height: expected.height, width: expected.width)
                }
            }
        }
    }

    @Test func frequenciesAreTorchs() throws {
        let fixture = try Self.fixture()
        let text = RotaryAngles.inverseFrequencies(theta: 1e6, dimension: 128)
        let vision = RotaryAngles.inverseFrequencies(theta: 1e4, dimension: 40)
        #expect(text.count == fixture.textFrequencies.count && vision.count == fixture.visionFrequencies.count)
        for (ours, torch) in zip(text + vision, fixture.textFrequencies + fixture.visionFrequencies) {
            #expect(abs(ours - torch) <= torch.ulp, "\(ours) \(torch)")
        }
    }

    /// A picture of one merged token whose values say where they come from.
    @Test func patchesLieInTheReferencesOrder() throws {
        let preprocessor = try Self.preprocessor(
            "\"image_mean\": [0, 0, 0], \"image_std\": [1, 1, 1], \"patch_size\": 1")
        let bytes: [UInt8] = [10, 20, 30, 11, 21, 31, 12, 22, 32, 13, 23, 33]
        let patches = preprocessor.cut(try RGBBuffer(width: 2, height: 2, bytes: bytes))
        #expect(patches.grid == PatchGrid(height: 2, width: 2, mergeSize: 2))
        let expected: [Float] = [
            10, 10, 20, 20, 30, 30, 11, 11, 21, 21, 31, 31, 12, 12, 22, 22, 32, 32, 13, 13, 23, 23, 33, 33,
        ]
        #expect(patches.pixelValues == expected.map { $0 / 255 })
    }

    @Test(
        arguments: [
            "\"min_pixels\": 0", "\"min_pixels\": 100, \"max_pixels\": 99", "\"patch_size\": 0", "\"patch_size\": 1.5",
            "\"image_mean\": [0]", "\"image_std\": [1, 0, 1]", "\"resample\": 2", "\"do_resize\": false",
            "\"size\": {\"shortest_edge\": 4000000000000}",
        ])
    func refusesOtherPreprocessing(keys: String) {
        #expect(throws: (any Error).self) { try Self.preprocessor(keys) }
    }
}
