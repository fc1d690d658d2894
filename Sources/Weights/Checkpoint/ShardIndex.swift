import Foundation

/// A `*.safetensors.index.json`: which shard holds which tensor.
struct ShardIndex {
    /// Largest index that is read; that of a model with 2,000 tensors has about 200 KB.
    static let limitBytes = 64 << 20
    /// Most shards of a component.
    static let shardLimit = 4096

    /// What messages call the index.
    let name: String
    /// The shards' file names, sorted; each a plain name.
    let files: [String]
    /// For each tensor the position of its shard in `files`.
    let shards: [String: Int]

    /// Reads an index.
    ///
    /// - Throws: the errors of `MappedFile`, `fileTooLarge`, `indexInvalid`, `pathNotAllowed`.
    init(file: URL, name: String) throws(WeightsError) {
        let mapping = try MappedFile(file: file, name: name)
        guard mapping.byteCount <= Self.limitBytes else {
            throw .fileTooLarge(file: name, limitBytes: Self.limitBytes, foundBytes: mapping.byteCount)
        }
        let weightMap: [String: String]
        do throws(JSONProblem) {
            weightMap = try Self.readWeightMap(mapping.bytes(in: 0..<mapping.byteCount))
        } catch {
            throw .indexInvalid(file: name, problem: error)
        }
        let files = Set(weightMap.values).sorted()
        for file in files where !Self.isPlainName(file) {
            throw .pathNotAllowed(file: name, path: file)
        }
        guard files.count <= Self.shardLimit else {
            throw .indexInvalid(file: name, problem: .tooManyMembers(limit: Self.shardLimit))
        }
        let positions = Dictionary(uniqueKeysWithValues: files.enumerated().map { ($1, $0) })
        self.name = name
        self.files = files
        self.shards = weightMap.compactMapValues { positions[$0] }
    }

    private static func readWeightMap(_ json: [UInt8]) throws(JSONProblem) -> [String: String] {
        var reader = JSONReader(json, limits: .init(members: SafetensorsHeader.tensorLimit))
        var weightMap: [String: String]?
        var object = try reader.beginObject()
        while let key = try reader.nextKey(of: &object) {
            guard key == "weight_map" else {
                // The total size is beside the point here, and some writers make it a fraction.
                try reader.skipValue()
                continue
            }
            var map: [String: String] = [:]
            var members = try reader.beginObject()
            while let tensor = try reader.nextKey(of: &members) { map[tensor] = try reader.readText(atMost: 1024) }
            weightMap = map
        }
        try reader.finish()
        guard let weightMap else { throw .missingKey("weight_map") }
        return weightMap
    }

    /// True for a file name that cannot lead out of the folder.
    private static func isPlainName(_ name: String) -> Bool {
        name.hasSuffix(".safetensors") && name.utf8.count <= 255
            && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") || $0 < 0x20 }
    }
}
