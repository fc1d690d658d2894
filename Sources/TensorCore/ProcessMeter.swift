import Synchronization

/// What a process holds at each moment of a rehearsal: memory of its host devices, pages of mapped checkpoints that
/// were touched, and arrays of the host, all of it together.
///
/// The parts have their peaks at different times, so that the peak of the whole is less than the sum of theirs. Meters
/// report each interval in which nothing changed but their device's own memory.
public final class ProcessMeter: Sendable {
    /// What is held at one moment.
    public struct Bytes: Sendable, Hashable {
        /// Of devices that are the host: tensors and staged weights.
        public var ownBytes: Int
        /// Pages of mapped checkpoints, those that are lent to a device included.
        public var mappedBytes: Int
        /// Arrays that belong to no device, such as pictures.
        public var hostBytes: Int

        /// Counts of bytes.
        public init(ownBytes: Int = 0, mappedBytes: Int = 0, hostBytes: Int = 0) {
            self.ownBytes = ownBytes
            self.mappedBytes = mappedBytes
            self.hostBytes = hostBytes
        }

        /// All of it.
        public var totalBytes: Int { ownBytes + mappedBytes + hostBytes }
    }

    /// One meter's part, as it last was.
    private struct Part {
        weak var meter: Meter?
        var ownBytes = 0
        var mappedBytes = 0
    }

    private struct State {
        var parts: [ObjectIdentifier: Part] = [:]
        var hostBytes = 0
        var peak = Bytes()
    }

    private let state = Mutex(State())

    /// Nothing is held yet.
    public init() {}

    /// The moment since `resetPeak` at which most was held.
    public var peak: Bytes {
        look()
        return state.withLock(\.peak)
    }

    /// Starts a new peak at what is held now.
    public func resetPeak() {
        look()
        state.withLock { state in
            state.peak = Bytes()
            Self.raisePeak(&state, ownBytes: state.parts.values.reduce(0) { $0 + $1.ownBytes })
        }
    }

    /// Counts an array of the host until `release`.
    public func hold(_ byteCount: Int) {
        look()
        state.withLock { state in
            state.hostBytes += byteCount
            Self.raisePeak(&state, ownBytes: state.parts.values.reduce(0) { $0 + $1.ownBytes })
        }
    }

    /// Arrays of the host are gone.
    public func release(_ byteCount: Int) {
        look()
        state.withLock { $0.hostBytes -= byteCount }
    }

    /// A meter that counts along from now on.
    func add(_ meter: Meter) {
        state.withLock { $0.parts[ObjectIdentifier(meter)] = Part(meter: meter) }
    }

    /// Ends an interval in which no page of a mapping and no array came or went.
    func look() {
        let meters = state.withLock { $0.parts.values.compactMap(\.meter) }
        let intervals = meters.map { (id: ObjectIdentifier($0), held: $0.takeInterval()) }
        state.withLock { state in
            for (id, held) in intervals {
                state.parts[id]?.ownBytes = held.ownBytes
                state.parts[id]?.mappedBytes = held.mappedBytes
            }
            let all = state.parts.values.reduce(0) { $0 + $1.ownBytes }
            // One device works at a time: while it held the most, others held what they do now.
            for (_, held) in intervals {
                Self.raisePeak(&state, ownBytes: all - held.ownBytes + held.peakOwnBytes)
            }
        }
    }

    private static func raisePeak(_ state: inout State, ownBytes: Int) {
        let now = Bytes(
            ownBytes: ownBytes, mappedBytes: state.parts.values.reduce(0) { $0 + $1.mappedBytes },
            hostBytes: state.hostBytes)
        if now.totalBytes > state.peak.totalBytes { state.peak = now }
    }
}

/// Counts arrays of the host in the rehearsal of a process, as long as it lives; on any other backend it does nothing.
public final class HostArrayCount {
    private let process: ProcessMeter?
    private var byteCount = 0

    /// None yet.
    public init(on backend: any Backend) {
        process = (backend as? Meter)?.process
    }

    deinit {
        process?.release(byteCount)
    }

    /// An array of so many bytes is there.
    public func hold(_ count: Int) {
        process?.hold(count)
        byteCount += count
    }

    /// An array of so many bytes is gone.
    public func release(_ count: Int) {
        process?.release(count)
        byteCount -= count
    }
}
