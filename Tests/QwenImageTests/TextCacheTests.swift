import CPUBackend
import ImageCodecs
import QwenImage
import Synchronization
import Testing

/// A cache that keeps everything, and counts.
private final class CountingCache: TextCache {
    struct State {
        var captions: [CaptionLanguage: String] = [:]
        var embeddings: [String: PromptEmbedding] = [:]
        var kept = 0
        var found = 0
    }

    let state = Mutex(State())

    func caption(of picture: PixelBuffer, language: CaptionLanguage) -> String? {
        state.withLock { state in
            let text = state.captions[language]
            if text != nil { state.found += 1 }
            return text
        }
    }

    func keep(caption: String, of picture: PixelBuffer, language: CaptionLanguage) {
        state.withLock { state in
            state.captions[language] = caption
            state.kept += 1
        }
    }

    func embedding(of prompt: String, maxSequenceLength: Int) -> PromptEmbedding? {
        state.withLock { state in
            let embedding = state.embeddings[prompt]
            if embedding != nil { state.found += 1 }
            return embedding
        }
    }

    func keep(_ embedding: PromptEmbedding, of prompt: String, maxSequenceLength: Int) {
        state.withLock { state in
            state.embeddings[prompt] = embedding
            state.kept += 1
        }
    }
}

@Suite struct TextCacheTests {
    /// What was computed once is not computed again, and the layers are the same to the last bit.
    @Test func theSecondTimeNothingIsReadAgain() throws {
        let golden = try #require(GoldenCase.all.first { $0.parameters.needsCaption && $0.meta.caption != nil })
        let pipeline = try LayeredPipeline(model: golden.checkpoint, backend: CPUBackend(threads: 2))
        let cache = CountingCache()
        var hooks = LayeredPipeline.Hooks()
        func run() throws -> Decomposition {
            try pipeline.decompose(
                try golden.picture(), parameters: golden.parameters, latents: try golden.latents(), hooks: hooks)
        }
        let plain = try run()
        hooks.textCache = cache
        let first = try run()
        let keptOnce = cache.state.withLock { $0.kept }
        let foundBefore = cache.state.withLock { $0.found }
        let second = try run()
        // A caption and each branch's embedding.
        let expected = golden.parameters.doTrueCFG ? 3 : 2
        #expect(keptOnce == expected && foundBefore == 0)
        #expect(cache.state.withLock { ($0.kept, $0.found) } == (expected, expected))
        #expect(first.images == plain.images && second.images == plain.images)
        #expect(second.caption == golden.meta.caption && second.parameters == plain.parameters)
    }
}
