import TensorCore

extension DeviceMap {
    /// Reads `{"transformer.transformer_blocks.0-29": "cpu:0", ...}`.
    ///
    /// Throws `mapJSON` with what is wrong, `namedTwice` for a name that comes again, `unknownDevice`.
    public init(json: [UInt8]) throws(PlacementError) {
        var reader = JSONReader(json, limits: .init(depth: 2, members: Self.entryLimit))
        var members: [(name: String, device: String)] = []
        do throws(JSONProblem) {
            var object = try reader.beginObject()
            while let name = try reader.nextKey(of: &object) {
                members.append((name, try reader.readText(atMost: 64)))
            }
            try reader.finish()
        } catch .duplicateKey(let name) {
            throw .namedTwice(name)
        } catch {
            throw .mapJSON(error.description)
        }
        var entries: [Entry] = []
        for (name, device) in members { entries.append(Entry(name: name, device: try DeviceName(text: device))) }
        try self.init(entries)
    }
}
