/// A peer's credit against the least rate, in nanoseconds of the loop's clock.
///
/// It begins with the patience, each byte adds its time at the least rate, and it never holds more than the patience:
/// so who is silent for that long is too slow, who keeps the rate never is, and a quick begin pays for no trickle.
struct Pace {
    private let patience: UInt64
    private let bytesPerSecond: Int
    /// When the credit ends.
    private(set) var due: UInt64 = 0

    init(patienceSeconds: Double, bytesPerSecond: Int) {
        patience = Clock.nanoseconds(patienceSeconds)
        self.bytesPerSecond = max(1, bytesPerSecond)
    }

    mutating func begin(at now: UInt64) { due = now + patience }

    mutating func moved(_ byteCount: Int, at now: UInt64) {
        due = min(due + Clock.nanoseconds(Double(byteCount) / Double(bytesPerSecond)), now + patience)
    }
}
