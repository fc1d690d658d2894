/// Which bytes of mapped checkpoints a run has touched: they are resident from then on, though nobody allocated them.
struct MappedUse {
    /// The kernel maps the pages around the one that is touched along with it, this many bytes at once.
    private static let faultAroundBytes = 64 << 10

    private struct Place: Hashable {
        let memory: ObjectIdentifier
        let byteOffset: Int
    }

    private struct Source {
        let place: Place
        let byteCount: Int
    }

    /// What lies behind the storage of a tensor that shares a checkpoint's bytes.
    private var sources: [ObjectIdentifier: Source] = [:]
    private var touched: Set<Place> = []
    /// Bytes touched so far, each once.
    private(set) var bytes = 0

    /// A tensor shares these bytes.
    mutating func share(_ tensor: Tensor, _ source: HostTensor) {
        sources[ObjectIdentifier(tensor.storage)] = Source(
            place: Place(memory: ObjectIdentifier(source.memory), byteOffset: source.byteOffset),
            byteCount: source.byteCount)
    }

    /// A storage is new; an earlier one at its address is gone.
    mutating func forget(_ tensor: Tensor) {
        sources[ObjectIdentifier(tensor.storage)] = nil
    }

    /// All bytes of a checkpoint's tensor were read.
    mutating func touch(_ source: HostTensor) {
        touch(Place(memory: ObjectIdentifier(source.memory), byteOffset: source.byteOffset), source.byteCount)
    }

    /// An operation reads its operands.
    mutating func touch(_ operation: Operation) {
        if case .gatherRows(let table, let indices, _) = operation { return touchRows(of: table, indices) }
        for tensor in operation.tensors {
            guard let source = sources[ObjectIdentifier(tensor.storage)] else { continue }
            touch(source.place, source.byteCount)
        }
    }

    private mutating func touchRows(of table: Tensor, _ indices: [Int32]) {
        guard let source = sources[ObjectIdentifier(table.storage)], !touched.contains(source.place) else { return }
        let rowBytes = table.shape.rowElementCount * table.dtype.byteCount
        for index in Set(indices) {
            let first = source.place.byteOffset + Int(index) * rowBytes
            for window in first / Self.faultAroundBytes...(first + rowBytes - 1) / Self.faultAroundBytes {
                // A place between two elements, which no tensor has.
                touch(Place(memory: source.place.memory, byteOffset: -1 - window), Self.faultAroundBytes)
            }
        }
    }

    private mutating func touch(_ place: Place, _ byteCount: Int) {
        if touched.insert(place).inserted { bytes += byteCount }
    }
}
