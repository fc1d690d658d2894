import Dispatch
import DurableStorage
import Foundation

@testable import Jobs

/// A store that does nothing else until it is let go, so that a job stays where a write of the store has it.
final class HeldStore: Sendable {
    private let gate = DispatchSemaphore(value: 0)

    /// Returns once the store is held.
    init(_ store: JobStore) {
        let isHeld = DispatchSemaphore(value: 0)
        Thread { [gate] in
            _ = try? store.database.perform { (_) throws(StorageError) in
                isHeld.signal()
                gate.wait()
            }
        }.start()
        isHeld.wait()
    }

    func letGo() { gate.signal() }
}
