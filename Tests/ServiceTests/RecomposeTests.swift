import Foundation
import HTTPProtocol
import ImageCodecs
import Testing

/// Layers put back together, and results in the forms that are made when they are asked for.
struct RecomposeTests {
    private static func tree() throws -> LayerTree {
        let top = ImageLayer(
            name: "top", pixels: try PixelBuffer(width: 2, height: 2, green: 200, alpha: 128), x: 1, y: -1,
            opacity: 200, blendMode: .screen)
        let bottom = ImageLayer(name: "bottom", pixels: try PixelBuffer(width: 6, height: 4, red: 99, alpha: 255))
        return try LayerTree(
            width: 6, height: 4, nodes: [.layer(bottom), .group(LayerGroup(name: "g", children: [.layer(top)]))])
    }

    private func ask(
        _ client: TestClient, _ body: [UInt8], query: String = "", type: String = "application/octet-stream"
    ) throws -> TestClient.Answer {
        client.send(
            ServiceFixture.request("/v1/recompose", query: query, more: "Content-Type: \(type)\r\n", body: body))
        return try client.readAnswer()
    }

    @Test func everyFileOfLayersIsTheSamePicture() throws {
        let fixture = try ServiceFixture()
        let client = try fixture.client()
        let tree = try Self.tree()
        let flat = Composite.flatten(tree)
        for (file, type) in [
            (try PSDWriter.encode(tree), "image/vnd.adobe.photoshop"),
            (try OpenRasterWriter.encode(tree), "image/openraster"),
            (try PSDWriter.encode(tree, options: PSDOptions(size: .large)), "application/octet-stream"),
        ] {
            let answer = try ask(client, file, type: type)
            #expect(answer.status == 200 && answer.fields["content-type"] == "image/png", "\(answer.text.prefix(200))")
            #expect(try ImageDecoder.decode(answer.body).pixels == flat)
        }
        for (query, type) in [
            ("?format=webp", "image/webp"), ("?format=jpeg&quality=80&background=ff0000", "image/jpeg"),
            ("?format=jpeg&background=%23f00", "image/jpeg"),
            ("?format=sheet", "image/png"), ("?format=ora", "image/openraster"),
            ("?format=zip", "application/zip"),
        ] {
            let answer = try ask(client, try PSDWriter.encode(tree), query: query)
            #expect(answer.status == 200 && answer.fields["content-type"] == type, "\(query)")
        }
        fixture.stop()
    }

    @Test func theAnswerSaysHowItWasRounded() throws {
        let fixture = try ServiceFixture()
        let client = try fixture.client()
        let tree = try Self.tree()
        for (query, rounding) in [
            ("", "once"), ("?rounding=auto&format=webp", "once"), ("?rounding=each-layer", "each-layer"),
            ("?rounding=once&format=jpeg", "once"), ("?rounding=each-layer&format=psd", nil),
        ] {
            let answer = try ask(client, try PSDWriter.encode(tree), query: query)
            #expect(answer.status == 200 && answer.fields["mica-rounding"] == rounding, "\(query)")
            if query == "?rounding=each-layer" {
                #expect(try ImageDecoder.decode(answer.body).pixels == Composite.flattenInBytes(tree))
            }
        }
        fixture.stop()
    }

    @Test func aManifestAndItsPictures() throws {
        let fixture = try ServiceFixture()
        let client = try fixture.client()
        var writer = MultipartWriter(boundary: ServiceFixture.boundary)
        let manifest =
            "{\"layers\": [{\"file\": \"a.png\"},"
            + " {\"file\": \"b.png\", \"x\": 1, \"blend_mode\": \"screen\"}]}"
        writer.add(name: "manifest", fileName: nil, contentType: "application/json", content: Array(manifest.utf8))
        for name in ["a.png", "b.png"] {
            writer.add(name: "layers", fileName: name, contentType: "image/png", content: try ServiceFixture.png())
        }
        let answer = try ask(client, writer.finished().flatMap { $0 }, type: writer.contentType)
        #expect(answer.status == 200, "\(answer.text.prefix(200))")
        #expect(try ImageDecoder.decode(answer.body).pixels.width == 6)
        fixture.stop()
    }

    /// A ZIP of groups that hold one pixel each, or two at the ends of the canvas.
    private static func groups(_ count: Int, reachFar: Bool) throws -> [UInt8] {
        let places = reachFar ? [0, 99] : [0]
        let layers = (1...count).flatMap { group in
            places.map { "{\"file\": \"a.png\", \"x\": \($0), \"y\": \($0), \"group\": \(group)}" }
        }
        let groups = (1...count).map { "{\"id\": \($0), \"blend_mode\": \"multiply\"}" }
        var archive = ZIPWriter()
        let manifest =
            "{\"width\": 100, \"height\": 100, \"layers\": [\(layers.joined(separator: ","))],"
            + " \"groups\": [\(groups.joined(separator: ","))]}"
        try archive.add("manifest.json", Array(manifest.utf8), compression: .deflated)
        try archive.add("a.png", try ServiceFixture.png(width: 1, height: 1))
        return archive.finish()
    }

    /// Small groups are small work, however many; large ones of nearly nothing are refused before any work.
    @Test func workIsBounded() throws {
        let fixture = try ServiceFixture()
        let client = try fixture.client()
        #expect(try ask(client, Self.groups(3_000, reachFar: false)).status == 200)
        #expect(try ask(client, Self.groups(30, reachFar: true)).status == 200)
        let refused = try ask(client, Self.groups(33, reachFar: true))
        #expect(
            refused.status == 422 && refused.text.contains("layers and groups have 330066 pixels"), "\(refused.text)")
        fixture.stop()
    }

    @Test func aDifferenceFromTheFilesOwnPictureIsSaid() throws {
        let fixture = try ServiceFixture()
        let client = try fixture.client()
        let archive = try ZIPReader(OpenRasterWriter.encode(Self.tree()))
        var edited = ZIPWriter()
        for name in archive.names {
            let data = try archive.read(name, limit: 1 << 20)
            try edited.add(name, name == "mergedimage.png" ? ServiceFixture.png() : data)
        }
        let answer = try ask(client, edited.finish())
        let field = try #require(answer.fields["mica-difference"])
        #expect(answer.status == 200 && field.hasPrefix("share=1.0, levels="), "\(field)")
        #expect(try ask(client, edited.finish(), query: "?rounding=once").fields["mica-difference"] == nil)
        #expect(try ask(client, OpenRasterWriter.encode(Self.tree())).fields["mica-difference"] == nil)
        fixture.stop()
    }

    @Test func badLayersAreTheSendersFault() throws {
        let fixture = try ServiceFixture()
        let psd = try PSDWriter.encode(Self.tree())
        let large = try PSDWriter.encode(
            LayerTree(layers: [ImageLayer(name: "a", pixels: try PixelBuffer(width: 200, height: 100))]))
        for (body, query, type, status) in [
            (Array("hello".utf8), "", "application/octet-stream", 415),
            (Array(psd[..<600]), "", "application/zip", 422),
            (psd, "?format=gif", "application/zip", 406), (psd, "?quality=0", "application/zip", 422),
            (psd, "?background=red", "application/zip", 422),
            (psd, "?rounding=up", "application/zip", 422), (psd, "?x=1", "application/zip", 400),
            (psd, "?format=pptx", "application/zip", 422), (psd, "", "image/png", 415),
            (large, "", "application/zip", 422), (try ServiceFixture.png(), "", "application/zip", 415),
        ] {
            // A connection each: what is refused before its body was read closes it.
            let answer = try ask(fixture.client(), body, query: query, type: type)
            #expect(answer.status == status, "\(query) \(type): \(answer.text.prefix(200))")
        }
        fixture.stop()
    }

    @Test func resultsInEveryForm() throws {
        let fixture = try ServiceFixture(keepsJobs: true)
        let client = try fixture.client()
        func form(_ query: String) throws -> [UInt8] {
            client.send(ServiceFixture.form([], image: try ServiceFixture.png(), query: query))
            let answer = try client.readAnswer()
            #expect(answer.status == 200, "\(query): \(answer.text.prefix(200))")
            return answer.body
        }
        let expected = try Composite.flatten(LayerFileReader.read(form("?format=psd")))
        for query in [
            "?format=psb", "?format=ora", "?format=zip", "?format=zip&trim=true&layer_format=webp",
            "?format=psd&group=false",
        ] {
            #expect(try Composite.flatten(LayerFileReader.read(form(query))) == expected, "\(query)")
        }
        // Everything that its manifest names is in the archive.
        let archive = try ZIPReader(form("?format=zip"))
        let manifest = try ServiceFixture.json(archive.read("manifest.json", limit: 1 << 20))
        let named = ["layers", "psd"].flatMap { manifest[$0] as? [[String: Any]] ?? [] }.compactMap {
            $0["file"] as? String
        }
        #expect(!named.isEmpty && named.allSatisfy { archive.contains($0) }, "\(named)")
        let psd = try form("?format=psd")
        #expect(psd.firstRange(of: Array("urn:mica:parameters".utf8)) != nil)
        #expect(try form("?format=psd&metadata=false").firstRange(of: Array("urn:mica".utf8)) == nil)
        #expect(try LayerFileReader.read(psd).nodes.map(\.name) == ["layers"])
        #expect(try form("?format=pptx").starts(with: Array("PK".utf8)))
        #expect(try ImageDecoder.decode(form("?format=sheet")).pixels.isOpaque)
        fixture.stop()
    }
}
