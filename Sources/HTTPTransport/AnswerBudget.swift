import Synchronization

/// Bytes of answers that are in memory until their clients have taken them, of all connections together.
final class AnswerBudget: Sendable {
    private let limitBytes: Int
    private let heldBytes: Mutex<Int>

    /// Answers up to this size always fit.
    private static let smallBytes = 64 * 1024

    init(limitBytes: Int, heldBytes: Int = 0) {
        self.limitBytes = limitBytes
        self.heldBytes = Mutex(heldBytes)
    }

    /// Room for so many bytes; nil if too much is held already. Little always fits, and so does one answer alone,
    /// however large it is.
    func room(byteCount: Int) -> AnswerRoom? {
        guard byteCount > Self.smallBytes else { return AnswerRoom.unneeded }
        let fits = heldBytes.withLock { held in
            guard held == 0 || byteCount <= limitBytes - held else { return false }
            held += byteCount
            return true
        }
        return fits ? AnswerRoom(byteCount: byteCount, of: self) : nil
    }

    fileprivate func giveBack(_ byteCount: Int) { heldBytes.withLock { $0 -= byteCount } }
}

/// An answer's room in memory; given back when the last one lets go of it.
public final class AnswerRoom: Sendable {
    private let byteCount: Int
    private let budget: AnswerBudget?

    /// For what does not count.
    static let unneeded = AnswerRoom(byteCount: 0, of: nil)

    fileprivate init(byteCount: Int, of budget: AnswerBudget?) {
        self.byteCount = byteCount
        self.budget = budget
    }

    deinit {
        budget?.giveBack(byteCount)
    }
}
