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
    /// The bytes that are resident of each place.
    private var touched: [Place: Int] = [:]
    /// Bytes touched so far, again after they were given back.
    private(set) var readBytes = 0
    /// Bytes that are resident.
    private(set) var residentBytes = 0

    /// A tensor shares these bytes; those of staged weights are nobody's mapping.
    mutating func share(_ tensor: Tensor, _ source: HostTensor) {
        guard source.memory.isMapped else { return forget(tensor) }
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
        guard source.memory.isMapped else { return }
        touch(Place(memory: ObjectIdentifier(source.memory), byteOffset: source.byteOffset), source.byteCount)
    }

    /// An operation reads its operands.
    mutating func touch(_ operation: Operation) {
        if case .gatherRows(let table, let indices, _) = operation { return touchRows(of: table, indices) }
        for tensor in operation.operands {
            guard let source = sources[ObjectIdentifier(tensor.storage)] else { continue }
            touch(source.place, source.byteCount)
        }
    }

    /// Some rows of a table that stays where it is.
    mutating func touchRows(of table: HostTensor, _ indices: [Int32]) {
        guard table.memory.isMapped else { return }
        let place = Place(memory: ObjectIdentifier(table.memory), byteOffset: table.byteOffset)
        touchRows(of: place, rowBytes: table.dtype.byteCount(of: [1, table.shape.rowElementCount]), indices)
    }

    /// The pages of a tensor went back to the system.
    mutating func giveBack(_ source: HostTensor) {
        let place = Place(memory: ObjectIdentifier(source.memory), byteOffset: source.byteOffset)
        if let byteCount = touched.removeValue(forKey: place) { residentBytes -= byteCount }
    }

    /// All pages of a mapping went back.
    mutating func giveBackAll(of memory: any HostMemory) {
        let id = ObjectIdentifier(memory)
        for (place, byteCount) in touched where place.memory == id {
            residentBytes -= byteCount
            touched[place] = nil
        }
    }

    private mutating func touchRows(of table: Tensor, _ indices: [Int32]) {
        guard let source = sources[ObjectIdentifier(table.storage)] else { return }
        touchRows(of: source.place, rowBytes: table.dtype.byteCount(of: [1, table.shape.rowElementCount]), indices)
    }

    private mutating func touchRows(of table: Place, rowBytes: Int, _ indices: [Int32]) {
        guard touched[table] == nil, rowBytes > 0 else { return }
        for index in Set(indices) {
            let first = table.byteOffset + Int(index) * rowBytes
            for window in first / Self.faultAroundBytes...(first + rowBytes - 1) / Self.faultAroundBytes {
                // A place that no tensor has.
                touch(Place(memory: table.memory, byteOffset: -1 - window), Self.faultAroundBytes)
            }
        }
    }

    private mutating func touch(_ place: Place, _ byteCount: Int) {
        guard touched.updateValue(byteCount, forKey: place) == nil else { return }
        readBytes += byteCount
        residentBytes += byteCount
    }
}
