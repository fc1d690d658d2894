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

    /// - Parameter isTransient: true for blocks that are used once a job and never kept.
    init(_ plan: OffloadPlan, on backend: any Backend, isTransient: Bool) {
        // Only a backend that computes with mapped bytes can do without staging.
        isStaged = !backend.sharesHostMemory
        readsAhead = true
        switch plan {
        case .resident, .model:
            retention = .always
        case .sequential:
            (isStaged, retention, readsAhead) = (true, .never, false)
        case .stream(let count):
            isStaged = true
            retention = count.map { .first($0) } ?? .whatFits
        case .disk:
            retention = .never
        case .balanced, .deviceMap:
            isStaged = isStaged || backend.limitBytes != nil
            retention = backend.limitBytes == nil ? .always : .whatFits
        }
        if isTransient { retention = .never }
    }
}

extension OffloadPlan {
    /// True if components take turns on the device.
    var holdsOneComponent: Bool {
        switch self {
        case .resident, .balanced, .deviceMap: false
        case .model, .sequential, .stream, .disk: true
        }
    }
}
