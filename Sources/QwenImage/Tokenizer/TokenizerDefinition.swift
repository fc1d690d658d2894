import Foundation

/// What a tokenizer's files say, whichever layout they have.
struct TokenizerDefinition {
    /// Spelling to id, as the file has them.
    var vocabulary: [String: Any]
    /// Pairs of spellings, as UTF-8, in order of rank.
    var merges: [(left: [UInt8], right: [UInt8])]
    var addedTokens: [AddedToken]
    /// The files, for errors.
    var vocabularyPath: String
    var mergesPath: String
    /// One more than the highest id.
    private(set) var idLimit = 0

    /// No vocabulary of this family comes near; ids and tables are sized by it.
    static let idLimit = 1 << 22
    /// The most added tokens; a real file has about 20.
    static let addedTokenLimit = 1 << 14

    init(
        vocabulary: [String: Any], merges: [(left: [UInt8], right: [UInt8])], addedTokens: [AddedToken],
        vocabularyPath: String, mergesPath: String
    ) throws(TokenizerError) {
        self.vocabulary = vocabulary
        self.merges = merges
        self.addedTokens = addedTokens
        self.vocabularyPath = vocabularyPath
        self.mergesPath = mergesPath
        guard vocabulary.count <= Self.idLimit, merges.count <= Self.idLimit, addedTokens.count <= Self.addedTokenLimit
        else { throw .malformed(path: vocabularyPath, detail: "more tokens than any real tokenizer has") }
        var highest = -1
        for (token, value) in vocabulary {
            highest = max(highest, try Self.id(value, of: token, path: vocabularyPath))
        }
        for token in addedTokens { highest = max(highest, token.id) }
        idLimit = highest + 1
    }

    /// An id as a file has it.
    static func id(_ value: Any?, of token: String, path: String) throws(TokenizerError) -> Int {
        guard let id = value as? Int, (0..<idLimit).contains(id) else {
            throw .malformed(path: path, detail: "the id of \"\(token)\" is not a number from 0 to \(idLimit - 1)")
        }
        return id
    }

    /// Builds the table of spellings and the encoder.
    func makeEncoder() throws(TokenizerError) -> (TokenTable, BytePairEncoder) {
        var table = TokenTable(capacity: vocabulary.count, idLimit: idLimit)
        for (token, value) in vocabulary {
            let id = try Self.id(value, of: token, path: vocabularyPath)
            guard table.insert(token, id: id) else {
                throw .malformed(path: vocabularyPath, detail: "the id \(id) of \"\(token)\" is taken by another token")
            }
        }
        var byteIDs: [Int32] = []
        for (byte, scalar) in ByteAlphabet.scalars.enumerated() {
            guard let id = table.id(of: Array(String(Character(scalar)).utf8)) else {
                throw .missingByte(path: vocabularyPath, byte: UInt8(byte))
            }
            byteIDs.append(Int32(id))
        }
        var ranks: [UInt64: UInt64] = [:]
        ranks.reserveCapacity(merges.count)
        for (rank, merge) in merges.enumerated() {
            func find(_ spelling: [UInt8]) throws(TokenizerError) -> Int32 {
                if let id = table.id(of: spelling) { return Int32(id) }
                let token = String(decoding: spelling, as: UTF8.self)
                throw .unknownMergeToken(path: mergesPath, merge: rank, token: token)
            }
            let key = try BytePairEncoder.key(find(merge.left), find(merge.right))
            ranks[key] = try BytePairEncoder.value(rank: rank, id: find(merge.left + merge.right))
        }
        return (table, BytePairEncoder(byteIDs: byteIDs, merges: ranks))
    }
}
