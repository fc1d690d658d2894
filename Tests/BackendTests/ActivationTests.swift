import TensorCore
import Testing

/// The activations value by value, to the ends of their range.
struct ActivationTests {
    /// Every 997th float32 from -87 to 87 but for the smallest ones: 997 is prime, so that all fractions come up.
    private static let sample: [Float] = {
        let largest = (87 as Float).bitPattern
        let smallest = (0x1p-100 as Float).bitPattern
        let positive = stride(from: smallest, through: largest, by: 997).map { Float(bitPattern: $0) }
        return positive + positive.map { -$0 }
    }()

    private static let exponential: [Activation] = [.silu, .geluTanh]

    private func results(_ activation: Activation, of values: [Float], on tested: BackendUnderTest) throws -> [Float] {
        let backend = tested.make()
        return try backend.download(backend.activate(backend.upload(values, [values.count]), activation))
    }

    /// SiLU is its exponential (2 units), a sum, a quotient: at most 4 units in the last place, on the whole line.
    @Test(arguments: BackendUnderTest.all)
    func siluToTheUnit(_ tested: BackendUnderTest) throws {
        let results = try results(.silu, of: Self.sample, on: tested)
        let worst = zip(Self.sample, results).map { x, y in
            let expected = Reference.activate(Double(x), .silu)
            return abs(Double(y) - expected) / Double(Float(expected).ulp)
        }.max()
        #expect(try #require(worst) <= 4)
    }

    /// GELU by tanh takes exp of an argument 2u that was rounded a few times: an error of 2u of those units in the
    /// result, and 4 of its own. Below -1e-30 that is; smaller results are held against 1e-30.
    @Test(arguments: BackendUnderTest.all)
    func geluTanhToTheUnit(_ tested: BackendUnderTest) throws {
        let results = try results(.geluTanh, of: Self.sample, on: tested)
        let worst = zip(Self.sample, results).map { x, y in
            let expected = Reference.activate(Double(x), .geluTanh)
            let argument = x < 0 ? abs(2 * 0.8 * Double(x) * (1 + 0.044715 * Double(x * x))) : 0
            let unit = max(abs(expected), 1e-30) * 0x1p-23
            return abs(Double(y) - expected) / (unit * (4 + 2 * argument))
        }.max()
        #expect(try #require(worst) <= 1)
    }

    /// GELU by erf adds 1 and erf, as upstream does: the error is one of 1 times x, not of the result.
    @Test(arguments: BackendUnderTest.all)
    func geluToTheUnit(_ tested: BackendUnderTest) throws {
        let results = try results(.gelu, of: Self.sample, on: tested)
        let worst = zip(Self.sample, results).map { x, y in
            abs(Double(y) - Reference.activate(Double(x), .gelu)) / Double(x.ulp)
        }.max()
        #expect(try #require(worst) <= 2)
    }

    /// Far out the functions are the identity or zero; smaller than any normal number they are half of the argument.
    @Test(arguments: BackendUnderTest.all, [Activation.silu, .geluTanh, .gelu])
    func endsOfTheLine(_ tested: BackendUnderTest, _ activation: Activation) throws {
        let far: [Float] = [100, 1e4, 1e12, .greatestFiniteMagnitude, .infinity]
        #expect(try results(activation, of: far, on: tested) == far)
        let negative = try results(activation, of: [-100, -1e4, -1e8], on: tested)
        #expect(negative.allSatisfy { abs($0) < 1e-29 })
        let tiny: [Float] = [0x1p-133, -0x1p-133, 0x1p-149 * 6, 0, -0.0, 0x1p-126]
        let halves = try results(activation, of: tiny, on: tested)
        #expect(halves == tiny.map { $0 / 2 })
        #expect(halves[4].sign == .minus)
    }

    /// What is not a number stays none, and -infinity never becomes
    /// a finite number that would hide it (upstream gives NaN).
    @Test(arguments: BackendUnderTest.all, [Activation.none, .silu, .geluTanh, .gelu])
    func notFiniteStaysSo(_ tested: BackendUnderTest, _ activation: Activation) throws {
        // In a vector's lanes and in the rest after them.
        for position in [0, 7, 31, 32] {
            var values = [Float](repeating: 1, count: 33)
            values[position] = .nan
            #expect(try results(activation, of: values, on: tested)[position].isNaN)
            values[position] = -.infinity
            #expect(try !results(activation, of: values, on: tested)[position].isFinite)
        }
    }
}
