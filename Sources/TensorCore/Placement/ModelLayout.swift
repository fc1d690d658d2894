/// The components of a model and their lists of blocks: what can be placed on devices.
public struct ModelLayout: Sendable, Hashable {
    /// Blocks of one kind that run one after another.
    public struct BlockList: Sendable, Hashable {
        /// Component and module path: `transformer.transformer_blocks`.
        public let name: String
        /// At least 1.
        public let count: Int
        /// Bytes of the weights of one block; 0 if nobody counted them.
        public let blockBytes: Int

        /// A list of 1 block or more.
        public init(name: String, count: Int, blockBytes: Int = 0) {
            self.name = name
            self.count = count
            self.blockBytes = blockBytes
        }
    }

    /// One of the models that work together.
    public struct Component: Sendable, Hashable {
        /// Its folder: `transformer`.
        public let name: String
        /// In the order in which they hold the component's first block.
        public let blockLists: [BlockList]
        /// Bytes of the weights that belong to no block.
        public let otherBytes: Int

        /// A component; the names of its lists begin with its own.
        public init(name: String, blockLists: [BlockList], otherBytes: Int = 0) {
            self.name = name
            self.blockLists = blockLists
            self.otherBytes = otherBytes
        }

        /// Bytes of all weights.
        public var byteCount: Int { blockLists.reduce(otherBytes) { $0 + $1.count * $1.blockBytes } }
    }

    /// In the order in which a job needs them.
    public let components: [Component]

    /// The components of one model.
    public init(components: [Component]) {
        self.components = components
    }

    /// The lists and ranges of blocks that a name of a device map stands for; none for a component without blocks.
    ///
    /// Throws `unknownComponent` for a name that stands for nothing, `blockOutOfRange` for blocks that there are not.
    func blocks(named name: String) throws(PlacementError) -> [(list: String, range: Range<Int>)] {
        let lists = components.flatMap(\.blockLists)
        let covered = lists.filter { $0.name == name || $0.name.hasPrefix(name + ".") }
        if !covered.isEmpty || components.contains(where: { $0.name == name }) {
            return covered.map { ($0.name, 0..<$0.count) }
        }
        guard let dot = name.lastIndex(of: "."), let list = lists.first(where: { $0.name == name[..<dot] }) else {
            throw .unknownComponent(name, known: components.map(\.name) + lists.map(\.name))
        }
        let text = name[name.index(after: dot)...]
        let ends = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let numbers = ends.map { WholeNumber.read($0, limit: 1 << 20) }
        guard let first = numbers[0], let last = numbers[numbers.count - 1], first <= last, last < list.count else {
            throw .blockOutOfRange(name, count: list.count)
        }
        return [(list.name, first..<(last + 1))]
    }
}
