/// Values by key, up to a limit: one more takes the place of the one that was not asked for the longest.
struct RecentValues<Key: Hashable, Value> {
    private var entries: [Key: (value: Value, lastUse: Int)] = [:]
    private var uses = 0
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    /// All of them, in no order.
    var values: [Value] { entries.values.map(\.value) }

    /// The value, which counts as asked for now.
    mutating func value(of key: Key) -> Value? {
        uses += 1
        entries[key]?.lastUse = uses
        return entries[key]?.value
    }

    mutating func keep(_ value: Value, of key: Key) {
        if entries[key] == nil, entries.count >= limit,
            let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse })
        {
            entries[oldest.key] = nil
        }
        uses += 1
        entries[key] = (value, uses)
    }

    mutating func removeAll() { entries = [:] }
}
