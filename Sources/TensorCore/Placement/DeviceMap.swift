/// Says which device holds which component or run of blocks: `transformer.transformer_blocks.0-29` on `cpu:0`, and so
/// on.
///
/// A name is a component (`text_encoder`), a part of one (`text_encoder.visual`), a list of blocks
/// (`transformer.transformer_blocks`), or some of its blocks (`.5`, `.0-29`). Everything that a component has besides
/// blocks lies where the component's first block does.
public struct DeviceMap: Sendable, Hashable, CustomStringConvertible {
    /// One name and its device.
    public struct Entry: Sendable, Hashable {
        /// What lies there, and where.
        public let name: String
        public let device: DeviceName

        /// The name is looked at when the map is resolved.
        public init(name: String, device: DeviceName) {
            self.name = name
            self.device = device
        }
    }

    /// Entries, at most; a model has hundreds of blocks.
    public static let entryLimit = 4096

    /// As they were given.
    public let entries: [Entry]

    /// A map of entries; throws `namedTwice` for a name that comes again.
    public init(_ entries: [Entry]) throws(PlacementError) {
        var names: Set<String> = []
        for entry in entries where !names.insert(entry.name).inserted { throw .namedTwice(entry.name) }
        self.entries = entries
    }

    /// Reads `name=device` between commas. Throws `mapEntry`, `unknownDevice` or `namedTwice`.
    public init(text: String) throws(PlacementError) {
        var entries: [Entry] = []
        for part in text.split(separator: ",", maxSplits: Self.entryLimit, omittingEmptySubsequences: false) {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard sides.count == 2, !sides[0].isEmpty else { throw .mapEntry(String(part)) }
            entries.append(Entry(name: String(sides[0]), device: try DeviceName(text: String(sides[1]))))
        }
        try self.init(entries)
    }

    public var description: String {
        entries.map { "\($0.name)=\($0.device)" }.joined(separator: ",")
    }

    /// The device of every block and component of a model.
    ///
    /// - Parameters:
    ///   - layout: the components and how many blocks they have.
    ///   - devices: those that there are.
    /// - Throws: `unknownDevice`, `unknownComponent`, `blockOutOfRange`, `namedTwice`, `blocksMissing`,
    ///   `componentMissing`.
    public func resolved(
        for layout: ModelLayout, devices: [DeviceName]
    ) throws(PlacementError) -> DevicePlacement {
        var found: [String: [DeviceName?]] = [:]
        for component in layout.components {
            for list in component.blockLists { found[list.name] = Array(repeating: nil, count: list.count) }
        }
        var whole: [String: DeviceName] = [:]
        for entry in entries {
            guard devices.contains(entry.device) else {
                throw .unknownDevice(entry.device.description, known: devices)
            }
            let covered = try layout.blocks(named: entry.name)
            for (list, range) in covered {
                for index in range {
                    guard found[list]?[index] == nil else { throw .namedTwice("\(list).\(index)") }
                    found[list]?[index] = entry.device
                }
            }
            if layout.components.contains(where: { $0.name == entry.name }) { whole[entry.name] = entry.device }
        }
        return try placement(layout, whole, found)
    }

    private func placement(
        _ layout: ModelLayout, _ whole: [String: DeviceName], _ found: [String: [DeviceName?]]
    ) throws(PlacementError) -> DevicePlacement {
        var roots: [String: DeviceName] = [:]
        var blocks: [String: [DeviceName]] = [:]
        for component in layout.components {
            for list in component.blockLists {
                let devices = found[list.name] ?? []
                let missing = devices.indices.filter { devices[$0] == nil }
                guard missing.isEmpty else { throw .blocksMissing(list: list.name, indices: missing) }
                blocks[list.name] = devices.compactMap { $0 }
            }
            let first = component.blockLists.lazy.compactMap { blocks[$0.name]?.first }.first
            guard let root = whole[component.name] ?? first else { throw .componentMissing(component.name) }
            roots[component.name] = root
        }
        return DevicePlacement(roots: roots, blocks: blocks)
    }
}

/// The device of each component and of each of its blocks.
public struct DevicePlacement: Sendable, Hashable {
    /// By component: where everything is that is no block.
    public let roots: [String: DeviceName]
    /// By list of blocks, a device a block.
    public let blocks: [String: [DeviceName]]

    /// Every component of a layout has a root, every list a device for each block.
    public init(roots: [String: DeviceName], blocks: [String: [DeviceName]]) {
        self.roots = roots
        self.blocks = blocks
    }

    /// All on one device.
    public init(_ layout: ModelLayout, on device: DeviceName) {
        let lists = layout.components.flatMap(\.blockLists)
        self.init(
            roots: Dictionary(uniqueKeysWithValues: layout.components.map { ($0.name, device) }),
            blocks: Dictionary(
                uniqueKeysWithValues: lists.map { ($0.name, Array(repeating: device, count: $0.count)) }))
    }
}
