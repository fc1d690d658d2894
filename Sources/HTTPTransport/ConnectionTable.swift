/// The open connections, found by their descriptors, which the system keeps small.
struct ConnectionTable {
    private var slots: [Connection?] = []
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// Every connection, in no order that matters.
    var all: some Sequence<Connection> { slots.lazy.compactMap { $0 } }

    /// Nil if that connection has ended, even if its descriptor lives on in another.
    subscript(id: ConnectionID) -> Connection? {
        let index = Int(id.descriptor)
        guard slots.indices.contains(index), let connection = slots[index], connection.id == id else { return nil }
        return connection
    }

    /// Its descriptor must be free.
    mutating func insert(_ connection: Connection) {
        let index = Int(connection.id.descriptor)
        while slots.count <= index { slots.append(nil) }
        precondition(slots[index] == nil, "two connections with one descriptor")
        slots[index] = connection
        count += 1
    }

    mutating func remove(_ id: ConnectionID) -> Connection? {
        guard let connection = self[id] else { return nil }
        slots[Int(id.descriptor)] = nil
        count -= 1
        return connection
    }
}
