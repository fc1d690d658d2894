import ImageCodecs
import QwenImage
import ServiceAPI
import Testing

@Suite struct ContentCacheTests {
    private func picture(_ value: UInt8, width: Int = 2, height: Int = 3) throws -> PixelBuffer {
        try PixelBuffer(width: width, height: height, bytes: [UInt8](repeating: value, count: width * height * 4))
    }

    @Test func contentIsWhatCounts() throws {
        let cache = ContentCache(limitBytes: 1 << 20)
        cache.keep(caption: "one", of: try picture(1), language: .english)
        #expect(try cache.caption(of: picture(1), language: .english) == "one")
        #expect(try cache.caption(of: picture(1), language: .chinese) == nil)
        #expect(try cache.caption(of: picture(2), language: .english) == nil)
        // The same bytes in another shape are another picture.
        #expect(try cache.caption(of: picture(1, width: 3, height: 2), language: .english) == nil)
        let embedding = PromptEmbedding(values: [1, 2, 3, 4], width: 2)
        cache.keep(embedding, of: "p", maxSequenceLength: 8)
        #expect(cache.embedding(of: "p", maxSequenceLength: 8) == embedding)
        #expect(cache.embedding(of: "p", maxSequenceLength: 7) == nil)
        #expect(cache.embedding(of: "P", maxSequenceLength: 8) == nil)
        #expect(
            cache.figures == [
                CacheFigures(name: "caption", hits: 1, misses: 3), CacheFigures(name: "prompt", hits: 1, misses: 2),
            ])
    }

    @Test func whatIsNotAskedForGoesFirst() {
        let cache = ContentCache(limitBytes: 2000)
        let embedding = PromptEmbedding(values: [Float](repeating: 0, count: 100), width: 10)
        for name in ["a", "b", "c"] {
            cache.keep(embedding, of: name, maxSequenceLength: 8)
            #expect(cache.embedding(of: "a", maxSequenceLength: 8) != nil)
        }
        cache.keep(embedding, of: "d", maxSequenceLength: 8)
        #expect(cache.byteCount <= 2000)
        #expect(cache.embedding(of: "a", maxSequenceLength: 8) != nil)
        #expect(cache.embedding(of: "b", maxSequenceLength: 8) == nil)
        #expect(cache.embedding(of: "d", maxSequenceLength: 8) != nil)
    }

    @Test func withoutRoomNothingIsKept() {
        let cache = ContentCache(limitBytes: 0)
        cache.keep(PromptEmbedding(values: [1], width: 1), of: "p", maxSequenceLength: 8)
        #expect(cache.embedding(of: "p", maxSequenceLength: 8) == nil && cache.byteCount == 0)
    }
}
