import CKernels
import Glibc
import Testing

/// The exponential that the kernels share.
struct ExponentialTests {
    /// Where it is an exponential; beyond, it keeps the value at the end.
    private static let range: ClosedRange<Float> = -87.33...88.37

    private func exponential(_ values: [Float]) -> [Float] {
        var results = [Float](repeating: .nan, count: values.count)
        mica_exp(values, &results, values.count)
        return results
    }

    /// Every 9973rd float32 of the range, 220,000 in all: 9973 is prime, so that all fractions come up.
    @Test func precisionOverTheRange() throws {
        let positive = stride(from: 0 as UInt32, through: Self.range.upperBound.bitPattern, by: 9973)
        let negative = stride(from: 0 as UInt32, through: (-Self.range.lowerBound).bitPattern, by: 9973)
        let values = positive.map { Float(bitPattern: $0) } + negative.map { -Float(bitPattern: $0) }
        var worst = 0.0
        for (x, y) in zip(values, exponential(values)) {
            let expected = Glibc.exp(Double(x))
            worst = max(worst, abs(Double(y) - expected) / Double(Float(expected).ulp))
        }
        #expect(worst <= 1.0)
    }

    @Test func endsOfTheRange() {
        let results = exponential([-.infinity, -1e30, -100, -87.34, 88.4, 1000, .infinity, .nan, 0, -0.0])
        for low in results[0...3] { #expect(low > 0 && low < 1.3e-38) }
        for high in results[4...6] { #expect(high > 2.3e38 && high.isFinite) }
        #expect(results[7].isNaN)
        #expect(results[8] == 1 && results[9] == 1)
    }
}
