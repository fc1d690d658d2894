import Digests
import ImageCodecs
import QwenImage
import Synchronization

/// Captions and prompt embeddings of one model by content, at most so many bytes together; what was not asked for
/// longest goes first.
///
/// Pictures are known by the SHA-256 of their pixels, prompts by their text.
public final class ContentCache: TextCache {
    private enum Key: Hashable {
        case caption(digest: [UInt8], language: CaptionLanguage)
        case embedding(prompt: String, maxSequenceLength: Int)
    }

    private enum Value {
        case caption(String)
        case embedding(PromptEmbedding)
    }

    private struct Entry {
        let value: Value
        let byteCount: Int
        var lastUse: UInt64
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var byteCount = 0
        var uses: UInt64 = 0
        var captions = (hits: 0, misses: 0)
        var embeddings = (hits: 0, misses: 0)
    }

    /// What an entry takes besides its content, roughly.
    private static let entryBytes = 256

    private let limitBytes: Int
    private let state = Mutex(State())

    /// Keeps up to `limitBytes`; 0 keeps nothing.
    public init(limitBytes: Int) {
        self.limitBytes = limitBytes
    }

    /// Look-ups so far, for metrics.
    public var figures: [CacheFigures] {
        state.withLock { state in
            [
                CacheFigures(name: "caption", hits: state.captions.hits, misses: state.captions.misses),
                CacheFigures(name: "prompt", hits: state.embeddings.hits, misses: state.embeddings.misses),
            ]
        }
    }

    /// Bytes that are kept.
    public var byteCount: Int { state.withLock { $0.byteCount } }

    public func caption(of picture: PixelBuffer, language: CaptionLanguage) -> String? {
        let key = Self.key(picture, language)
        return state.withLock { state in
            guard case .caption(let text)? = Self.find(key, &state) else {
                state.captions.misses += 1
                return nil
            }
            state.captions.hits += 1
            return text
        }
    }

    public func keep(caption: String, of picture: PixelBuffer, language: CaptionLanguage) {
        keep(.caption(caption), Self.key(picture, language), byteCount: caption.utf8.count)
    }

    public func embedding(of prompt: String, maxSequenceLength: Int) -> PromptEmbedding? {
        state.withLock { state in
            let key = Key.embedding(prompt: prompt, maxSequenceLength: maxSequenceLength)
            guard case .embedding(let embedding)? = Self.find(key, &state) else {
                state.embeddings.misses += 1
                return nil
            }
            state.embeddings.hits += 1
            return embedding
        }
    }

    public func keep(_ embedding: PromptEmbedding, of prompt: String, maxSequenceLength: Int) {
        keep(
            .embedding(embedding), .embedding(prompt: prompt, maxSequenceLength: maxSequenceLength),
            byteCount: embedding.values.count * 4 + prompt.utf8.count)
    }

    private static func key(_ picture: PixelBuffer, _ language: CaptionLanguage) -> Key {
        var hash = Digest(.sha256)
        for side in [picture.width, picture.height] {
            hash.update((0..<8).map { UInt8(truncatingIfNeeded: side >> (8 * $0)) })
        }
        hash.update(picture.bytes)
        return .caption(digest: hash.finalize(), language: language)
    }

    private static func find(_ key: Key, _ state: inout State) -> Value? {
        state.uses += 1
        state.entries[key]?.lastUse = state.uses
        return state.entries[key]?.value
    }

    private func keep(_ value: Value, _ key: Key, byteCount: Int) {
        let byteCount = byteCount + Self.entryBytes
        guard byteCount <= limitBytes else { return }
        state.withLock { state in
            if let old = state.entries.removeValue(forKey: key) { state.byteCount -= old.byteCount }
            while state.byteCount + byteCount > limitBytes,
                let oldest = state.entries.min(by: { $0.value.lastUse < $1.value.lastUse })
            {
                state.entries[oldest.key] = nil
                state.byteCount -= oldest.value.byteCount
            }
            state.uses += 1
            state.entries[key] = Entry(value: value, byteCount: byteCount, lastUse: state.uses)
            state.byteCount += byteCount
        }
    }
}
