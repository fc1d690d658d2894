import Testing

@testable import HTTPTransport

/// The credit of a peer against the least rate.
struct PaceTests {
    private static let second: UInt64 = 1_000_000_000

    /// Moves `bytes` each second until the credit ends; returns the second in which it does, at most 1000.
    private func end(of bytes: [Int]) -> UInt64 {
        var pace = Pace(patienceSeconds: 30, bytesPerSecond: 500)
        pace.begin(at: 0)
        for number in 1..<1000 as Range<UInt64> {
            guard pace.due > number * Self.second else { return number }
            pace.moved(bytes[min(Int(number) - 1, bytes.count - 1)], at: number * Self.second)
        }
        return 1000
    }

    @Test(
        arguments: [
            ([0], 30), ([500], 1000), ([5000], 1000), ([1, 0], 31), ([250], 59), ([400], 146),
            // A quick begin, whatever it brought.
            ([1_000_000, 0], 31), ([1_000_000, 250], 60), (Array(repeating: 1_000_000, count: 100) + [0], 130),
            // Behind for a while, and up again.
            (Array(repeating: 0, count: 28) + [1_000_000, 0], 59),
        ] as [([Int], UInt64)])
    func whenItEnds(bytes: [Int], second: UInt64) { #expect(end(of: bytes) == second) }
}
