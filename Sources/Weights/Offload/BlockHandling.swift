import TensorCore

/// What an offload plan means for the blocks of one list on one device.
struct BlockHandling: Sendable, Equatable {
    /// How long a block stays after its use.
    enum Retention: Sendable, Equatable {
        case always
        /// The first blocks of the list.
        case first(Int)
        /// As long as the device has room for it besides what the stage has needed so far.
        case whatFits
        case never
    }

    /// True if a block is read into staged memory, false if it is used where it is mapped.
    var isStaged: Bool
    var retention: Retention
    /// True if the next block is read during the use of this one.
    var readsAhead: Bool
    /// True if a mapped block's pages are given back after its use.
    var givesBackPages: Bool
    /// Blocks for which there must be room besides what is needed, for one more to be kept: a device that copies by
    /// itself fills the next block during the use of this one.
    let roomBlocks: Int

    /// - Parameter isTransient: true for blocks that are used once a job and never kept.
    init(_ plan: OffloadPlan, on backend: any Backend, isTransient: Bool) {
        isStaged = false
        readsAhead = true
        roomBlocks = backend.copiesAhead ? 2 : 1
        switch plan {
        case .resident, .model:
            retention = .always
        case .sequential:
            (isStaged, retention, readsAhead) = (!backend.copiesAhead, .never, false)
        case .stream(let count):
            isStaged = !backend.copiesAhead
            retention = count.map { .first($0) } ?? .whatFits
        case .disk:
            retention = .never
        case .balanced, .guidance, .deviceMap:
            isStaged = backend.limitBytes != nil && !backend.copiesAhead
            retention = backend.limitBytes == nil ? .always : .whatFits
        }
        if isTransient { retention = .never }
        givesBackPages = !isStaged && !backend.copiesAhead
    }
}

extension OffloadPlan {
    /// True if components take turns on the device.
    var holdsOneComponent: Bool {
        switch self {
        case .resident, .balanced, .guidance, .deviceMap: false
        case .model, .sequential, .stream, .disk: true
        }
    }
}
