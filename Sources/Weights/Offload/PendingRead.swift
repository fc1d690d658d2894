import Dispatch
import Synchronization
import TensorCore

/// A block on its way into staged memory, read by another thread while this one computes.
final class PendingRead: Sendable {
    /// Of the block.
    let index: Int
    private let manifest: BlockManifest
    private let isDirect: Bool
    /// Nothing but this refers to the memory, so that it is free once it is dropped.
    private let memory: Mutex<(any StagingMemory)?>
    private let failure = Mutex<WeightsError?>(nil)
    private let isStopped = Atomic<Bool>(false)
    private let done = DispatchSemaphore(value: 0)

    /// Begins to read on `queue`, past the system's cache if `isDirect`.
    init(index: Int, manifest: BlockManifest, memory: any StagingMemory, isDirect: Bool, queue: DispatchQueue) {
        self.index = index
        self.manifest = manifest
        self.isDirect = isDirect
        self.memory = Mutex(memory)
        queue.async { [self] in
            run()
            done.signal()
        }
    }

    /// Waits for the end and hands over the memory; to be called once. Throws what reading threw.
    func take() throws(WeightsError) -> any StagingMemory {
        done.wait()
        let taken = memory.withLock { memory in
            defer { memory = nil }
            return memory
        }
        if let failure = failure.withLock({ $0 }) { throw failure }
        guard let taken else { preconditionFailure("staged memory is taken once") }
        return taken
    }

    /// Ends the reading soon, waits for that, and drops the memory; to be called instead of `take`.
    func stop() {
        isStopped.store(true, ordering: .relaxed)
        done.wait()
        let dropped = memory.withLock { memory in
            defer { memory = nil }
            return memory
        }
        _ = dropped
    }

    private func run() {
        // Taken out of the lock, which nobody holds while something is read; this reference ends before `done` is
        // signalled.
        guard let memory = memory.withLock({ $0 }) else { return }
        do throws(WeightsError) {
            _ = try manifest.read(into: memory, isDirect: isDirect) { isStopped.load(ordering: .relaxed) }
        } catch {
            failure.withLock { $0 = error }
        }
    }
}
