/// Byte-pair encoding: joins neighbouring symbols, the lowest-ranked merge first and among equals the leftmost first.
///
/// The order is that of `Word::merge_all` in huggingface/tokenizers (`models/bpe/word.rs`). A queue of candidates makes
/// a word of n bytes cost n log n, so that a long run without blanks is no worse than other text.
struct BytePairEncoder: Sendable {
    /// The id of each single byte.
    private let byteIDs: [Int32]
    /// `rank << 32 | id of the joined token`, by `left id << 32 | right id`.
    private let merges: [UInt64: UInt64]

    /// Takes the ids of the 256 bytes and the merges, by `key(_:_:)`, with values by `value(rank:id:)`.
    init(byteIDs: [Int32], merges: [UInt64: UInt64]) {
        precondition(byteIDs.count == 256, "one id a byte")
        self.byteIDs = byteIDs
        self.merges = merges
    }

    /// The key of a merge.
    static func key(_ left: Int32, _ right: Int32) -> UInt64 {
        UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
    }

    /// The value of a merge.
    static func value(rank: Int, id: Int32) -> UInt64 {
        UInt64(rank) << 32 | UInt64(UInt32(bitPattern: id))
    }

    /// Appends the ids of one word, given as bytes, to `ids`.
    func encode(_ word: [UInt8], into ids: inout [Int32]) {
        var symbols = word.map { byteIDs[Int($0)] }
        guard symbols.count > 1 else { return ids.append(contentsOf: symbols) }
        // A joined symbol lives where its left part was; the right part's place becomes -1.
        var next = Array(1...symbols.count)
        var previous = Array(-1..<(symbols.count - 1))
        var queue = MergeQueue()
        func offer(_ place: Int) {
            guard next[place] < symbols.count,
                let merge = merges[Self.key(symbols[place], symbols[next[place]])]
            else { return }
            queue.insert((merge >> 32) << 32 | UInt64(place))
        }
        for place in symbols.indices { offer(place) }
        while let candidate = queue.popFirst() {
            let place = Int(candidate & 0xFFFF_FFFF)
            let right = next[place]
            // A candidate whose symbols have changed since it was queued is stale.
            guard symbols[place] >= 0, right < symbols.count,
                let merge = merges[Self.key(symbols[place], symbols[right])], merge >> 32 == candidate >> 32
            else { continue }
            symbols[place] = Int32(bitPattern: UInt32(truncatingIfNeeded: merge))
            symbols[right] = -1
            next[place] = next[right]
            if next[place] < symbols.count { previous[next[place]] = place }
            if previous[place] >= 0 { offer(previous[place]) }
            offer(place)
        }
        ids.append(contentsOf: symbols.lazy.filter { $0 >= 0 })
    }
}
