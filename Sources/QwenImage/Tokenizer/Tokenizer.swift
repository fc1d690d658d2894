import Foundation

/// The tokenizer of Qwen2: byte-level byte-pair encoding behind Qwen2's cuts, with added tokens recognised in the text.
///
/// Equal to huggingface/tokenizers 0.23 with transformers 5.23 (`Qwen2Tokenizer`) in ids and in decoded text.
public struct Tokenizer: Sendable {
    private let table: TokenTable
    private let encoder: BytePairEncoder
    private let addedTokens: [Int: AddedToken]
    private let addedIDs: [[UInt8]: Int]
    /// Added tokens that are looked for in the text as given.
    private let rawSplitter: AddedTokenSplitter
    /// Added tokens that are looked for in the normalised text.
    private let normalizedSplitter: AddedTokenSplitter

    /// One more than the highest id: the rows that an embedding table needs at least.
    public let vocabularySize: Int

    /// Words whose ids are kept during one call of `encode`, so that a word that comes again is not merged again.
    private static let cachedWordLimit = 4096
    /// Words longer than this are not kept.
    private static let cachedWordByteLimit = 64

    /// Reads the `tokenizer` folder of a checkpoint: `tokenizer.json`, or else `vocab.json`, `merges.txt` and, where
    /// present, `added_tokens.json`, `tokenizer_config.json` and `special_tokens_map.json`.
    ///
    /// Throws: any case of `TokenizerError`.
    public init(folder: URL) throws(TokenizerError) {
        try self.init(TokenizerDefinition(folder: folder))
    }

    init(_ definition: TokenizerDefinition) throws(TokenizerError) {
        vocabularySize = definition.idLimit
        (table, encoder) = try definition.makeEncoder()
        var byID: [Int: AddedToken] = [:]
        var byContent: [[UInt8]: Int] = [:]
        for token in definition.addedTokens {
            byID[token.id] = token
            byContent[Array(token.content.utf8)] = token.id
        }
        addedTokens = byID
        addedIDs = byContent
        rawSplitter = AddedTokenSplitter(
            definition.addedTokens.filter { !$0.normalized }.map { (Array($0.content.unicodeScalars), $0.id) })
        normalizedSplitter = AddedTokenSplitter(
            definition.addedTokens.filter(\.normalized).map { token in
                (CanonicalComposition.compose(ArraySlice(token.content.unicodeScalars)), token.id)
            })
    }

    /// The ids of a text, without a template and without padding.
    public func encode(_ text: String) -> [Int] {
        var ids: [Int32] = []
        var cache: [[UInt8]: ArraySlice<Int32>] = [:]
        let scalars = ArraySlice(text.unicodeScalars)
        for piece in rawSplitter.split(scalars) {
            switch piece {
            case .token(let id): ids.append(Int32(id))
            case .text(let range): encode(normalizing: scalars[range], into: &ids, cache: &cache)
            }
        }
        return ids.map { Int($0) }
    }

    private func encode(
        normalizing text: ArraySlice<Unicode.Scalar>, into ids: inout [Int32],
        cache: inout [[UInt8]: ArraySlice<Int32>]
    ) {
        let normalized = ArraySlice(CanonicalComposition.compose(text))
        for piece in normalizedSplitter.split(normalized) {
            switch piece {
            case .token(let id):
                ids.append(Int32(id))
            case .text(let range):
                for word in PreTokenizer(normalized[range]).words() {
                    encode(word: normalized[word], into: &ids, cache: &cache)
                }
            }
        }
    }

    private func encode(
        word: ArraySlice<Unicode.Scalar>, into ids: inout [Int32], cache: inout [[UInt8]: ArraySlice<Int32>]
    ) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(word.count)
        for scalar in word { bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter) }
        if let known = cache[bytes] {
            ids.append(contentsOf: known)
            return
        }
        let start = ids.count
        encoder.encode(bytes, into: &ids)
        if bytes.count <= Self.cachedWordByteLimit, cache.count < Self.cachedWordLimit {
            cache[bytes] = ArraySlice(Array(ids[start...]))
        }
    }

    /// The text of ids: their bytes joined and read as UTF-8, each ill-formed sequence replaced with U+FFFD.
    ///
    /// Ids that are no token are left out, and special tokens if so wished. Blanks are left as they are.
    public func decode(_ ids: [Int], skippingSpecialTokens: Bool) -> String {
        var bytes: [UInt8] = []
        for id in ids {
            if let added = addedTokens[id] {
                if added.special && skippingSpecialTokens { continue }
                bytes.append(contentsOf: ByteAlphabet.bytes(of: added.content))
            } else if let spelling = table.spelling(of: id) {
                bytes.append(contentsOf: ByteAlphabet.bytes(of: spelling))
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The id of a token: an added one by its text, any other by its spelling in the vocabulary.
    public func id(of token: String) -> Int? {
        let bytes = Array(token.utf8)
        return addedIDs[bytes] ?? table.id(of: bytes)
    }
}
