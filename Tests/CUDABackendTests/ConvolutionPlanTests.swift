import CPUBackend
import CUDABackend
import TensorCore
import Testing

/// Convolutions by cuDNN: the emulated one reads strides, paddings and addresses from the descriptors, and offers four
/// engines, of which the third is the first that suits.
@Suite(.serialized, .enabled(if: TestDevice.changeConvolutions != nil, "no emulated device"))
struct ConvolutionPlanTests {
    /// Where a convolution's addend lies.
    enum Addend: CaseIterable {
        case none
        case apart
        /// Where the result goes.
        case inPlace
    }

    /// A convolution and its values.
    struct Case: CustomStringConvertible {
        let height: Int
        let width: Int
        let inputs: Int
        let outputs: Int
        let geometry: ConvolutionGeometry
        var value: Float = 1

        var description: String { "\(height) x \(width) x \(inputs) to \(outputs), \(geometry)" }

        /// `isNarrow` has the input lie in bfloat16.
        func run(on backend: any Backend, _ addend: Addend = .none, isNarrow: Bool = true) throws -> [Float] {
            let side = geometry.kernel
            func values(_ shape: Shape, _ seed: UInt32) -> [Float] {
                Pseudo.values(shape.elementCount, seed: seed).map { $0 * value }
            }
            let weight: Shape = [outputs, inputs, side, side]
            let layer = Convolution(
                weight: try backend.convolutionWeight(FloatMemory(values(weight, 1)).tensor(weight)),
                bias: try backend.parameter(FloatMemory(values([outputs], 2)).tensor([outputs])))
            // Rows of a larger picture.
            let picture: Shape = [height + 2, width, inputs]
            var input = try backend.upload(values(picture, 3), picture)
            if isNarrow {
                let copy = try backend.empty(picture)
                try backend.copy(input, into: copy)
                input = copy
            }
            let shape: Shape = [geometry.outputHeight(height), geometry.outputWidth(width), outputs]
            let uploaded = try backend.upload(values(shape, 4), shape)
            let added = try backend.empty(shape)
            try backend.copy(uploaded, into: added)
            let rows = input.rows(1..<(height + 1))
            switch addend {
            case .none: return try backend.download(backend.convolution(rows, layer, geometry))
            case .apart: return try backend.download(backend.convolution(rows, layer, geometry, addend: added))
            case .inPlace:
                return try backend.download(backend.convolution(rows, layer, geometry, addend: added, into: added))
            }
        }
    }

    /// The VAE's geometries, whole and in strips, and others.
    static let cases: [Case] = [
        Case(height: 9, width: 13, inputs: 16, outputs: 24, geometry: .same(kernel: 3)),
        Case(height: 12, width: 10, inputs: 16, outputs: 16, geometry: .downsample),
        Case(height: 21, width: 17, inputs: 8, outputs: 16, geometry: .downsample),
        Case(
            height: 9, width: 16, inputs: 8, outputs: 8,
            geometry: .init(kernel: 3, top: 0, left: 1, bottom: 0, right: 1)),
        Case(
            height: 9, width: 16, inputs: 8, outputs: 8,
            geometry: .init(kernel: 3, top: 1, left: 1, bottom: 0, right: 1)),
        Case(
            height: 9, width: 16, inputs: 8, outputs: 8,
            geometry: .init(kernel: 3, top: 0, left: 1, bottom: 1, right: 1)),
        Case(height: 8, width: 16, inputs: 4, outputs: 16, geometry: .same(kernel: 3)),
        Case(height: 8, width: 16, inputs: 24, outputs: 4, geometry: .same(kernel: 3)),
        Case(
            height: 6, width: 8, inputs: 8, outputs: 8, geometry: .init(kernel: 3, top: 0, left: 2, bottom: 2, right: 1)
        ),
        Case(
            height: 12, width: 16, inputs: 8, outputs: 8,
            geometry: .init(kernel: 5, stride: 2, top: 1, left: 2, bottom: 3, right: 0)),
    ]

    private func backend(_ change: (inout CUDABackend.Options) -> Void = { _ in }) throws -> CUDABackend {
        try TestDevice.backend {
            ($0.narrowElements, $0.kernelCache) = (0, nil)
            $0.compiledKernels = nil
            change(&$0)
        }
    }

    private func launches(_ name: String) throws -> Int32 {
        let launches = try #require(TestDevice.emulatedLaunches)
        return launches(name)
    }

    /// The first convolution of a shape, the second, and the one by products give the same bits, which are near the
    /// host's.
    @Test(arguments: Addend.allCases, [true, false])
    func equalsTheProducts(_ addend: Addend, _ isNarrow: Bool) throws {
        let (planned, plain) = (try backend(), try backend { $0.usesConvolutionPlans = false })
        let host = CPUBackend(threads: 2)
        for test in Self.cases {
            let expected = try test.run(on: plain, addend, isNarrow: isNarrow)
            let reference = try test.run(on: host, addend)
            let differences = zip(expected, reference).map { ($0 - $1) * ($0 - $1) }.reduce(0, +)
            #expect(differences <= 0x1p-14 * reference.map { $0 * $0 }.reduce(0, +), "\(test)")
            let before = try (0..<4).map { try launches("convolution engine \($0)") }
            let first = try test.run(on: planned, addend, isNarrow: isNarrow)
            let patches = try launches("patches")
            let second = try test.run(on: planned, addend, isNarrow: isNarrow)
            #expect(first == expected && second == expected, "\(test)")
            #expect(try launches("patches") == patches, "\(test)")
            // To compare, to warm up, three that are timed, and the result; then the second.
            let after = try (0..<4).map { try launches("convolution engine \($0)") }
            #expect(zip(after, before).map { $0 - $1 } == [0, 0, 7, 0], "\(test)")
        }
    }

    /// Of a plan that is slow, wrong, fails, wants too much memory or is none that suits nothing is seen but that it is
    /// not used: the values are those of products, bit by bit.
    @Test(arguments: [1, 2, 4, 8, 16] as [Int32], Addend.allCases)
    func whatDoesNotSuitIsLeft(_ kinds: Int32, _ addend: Addend) throws {
        let change = try #require(TestDevice.changeConvolutions)
        let test = Self.cases[0]
        let expected = try test.run(on: try backend { $0.usesConvolutionPlans = false }, addend)
        change(kinds)
        defer { change(0) }
        let planned = try backend()
        #expect(try test.run(on: planned, addend) == expected)
        let before = try launches("convolution engine")
        change(0)
        #expect(try test.run(on: planned, addend) == expected)
        #expect(try launches("convolution engine") == before)
    }

    /// A plan that fails later is left as well.
    @Test func whatFailsLaterIsLeft() throws {
        let change = try #require(TestDevice.changeConvolutions)
        defer { change(0) }
        let (planned, test) = (try backend(), Self.cases[0])
        let expected = try test.run(on: planned, .inPlace)
        change(4)
        #expect(try test.run(on: planned, .inPlace) == expected)
        change(0)
        let before = try launches("convolution engine")
        #expect(try test.run(on: planned, .inPlace) == expected)
        #expect(try launches("convolution engine") == before)
    }

    /// Without timing an equal result is enough, so that all workers go the same way.
    @Test func withoutTimingEqualityIsEnough() throws {
        let change = try #require(TestDevice.changeConvolutions)
        change(1)
        defer { change(0) }
        let planned = try backend { $0.leastTimedWork = nil }
        let before = try launches("convolution engine 2")
        for _ in 0..<2 { _ = try Self.cases[0].run(on: planned) }
        #expect(try launches("convolution engine 2") - before == 3)
    }

    /// Zeros show nothing of a plan; what comes after them does.
    @Test func zerosDecideNothing() throws {
        let change = try #require(TestDevice.changeConvolutions)
        defer { change(0) }
        let planned = try backend()
        var test = Self.cases[0]
        test.value = 0
        let isZero = try test.run(on: planned).allSatisfy { $0 == 0 }
        #expect(isZero)
        test.value = 1
        change(2)
        let expected = try test.run(on: try backend { $0.usesConvolutionPlans = false })
        #expect(try test.run(on: planned) == expected)
        let before = try launches("convolution engine")
        #expect(try test.run(on: planned) == expected)
        #expect(try launches("convolution engine") == before)
    }

    /// A rehearsal takes the memory of the first convolution of a shape and of those that follow, which is also that of
    /// products.
    @Test(arguments: Addend.allCases)
    func memoryIsThatOfProducts(_ addend: Addend) throws {
        let (planned, plain) = (try backend(), try backend { $0.usesConvolutionPlans = false })
        for test in Self.cases {
            var peaks: [Int] = []
            for device in [planned, planned, plain] {
                device.releaseUnusedMemory()
                device.resetPeak()
                let rehearsal = device.rehearsal(limitBytes: nil)
                _ = try test.run(on: device, addend)
                _ = try test.run(on: rehearsal, addend)
                #expect(rehearsal.memory.peakBytes == device.memory.peakBytes, "\(test)")
                peaks.append(device.memory.peakBytes)
            }
            #expect(Set(peaks).count == 1, "\(test)")
        }
    }

    /// More pixels than a run of patches has, so that the memory is a run's and cuDNN's result is whole.
    @Test(arguments: [Addend.none, .inPlace])
    func convolvesMoreThanARunOfPatches(_ addend: Addend) throws {
        let test = Case(height: 30, width: 40, inputs: 64, outputs: 1, geometry: .same(kernel: 31))
        let plain = try backend { ($0.usesConvolutionPlans, $0.leastTimedWork) = (false, nil) }
        let runs = try launches("patches")
        let expected = try test.run(on: plain, addend)
        #expect(try launches("patches") - runs == 2)
        let planned = try backend { $0.leastTimedWork = nil }
        let before = try launches("convolution engine 2")
        #expect(try test.run(on: planned, addend) == expected)
        #expect(try launches("convolution engine 2") - before == 2)
        #expect(planned.memory.peakBytes == plain.memory.peakBytes)
    }

    /// A device that is lost while a plan is tried costs one job: the backend that comes after it does without plans.
    @Test func aLossIsNotRepeated() async throws {
        await #expect(processExitsWith: .success) {
            let (failNext, launches) = (
                try #require(TestDevice.failNext), try #require(TestDevice.emulatedLaunches)
            )
            let test = ConvolutionPlanTests.cases[0]
            func backend() throws -> CUDABackend { try TestDevice.backend { $0.narrowElements = 0 } }
            // The first that is read back is a comparison.
            failNext("cuMemcpyDtoHAsync", 719)
            #expect(throws: TensorError.self) { try test.run(on: try backend()) }
            #expect(launches("convolution engine") == 1)
            let isFinite = try test.run(on: try backend()).allSatisfy(\.isFinite)
            #expect(isFinite)
            #expect(launches("convolution engine") == 1)
        }
    }
}

/// The same on any device: what cuDNN gives for the VAE's kinds of convolutions is what products give, but for
/// rounding, and the same each time.
@Suite(.serialized, .enabled(if: TestDevice.isPresent, "\(TestDevice.absence)"))
struct ConvolutionDeviceTests {
    @Test(arguments: ConvolutionPlanTests.Addend.allCases)
    func isAsProductsGiveIt(_ addend: ConvolutionPlanTests.Addend) throws {
        // Without timing, so that cuDNN's way is taken wherever it agrees.
        func backend(usesPlans: Bool) throws -> CUDABackend {
            try TestDevice.backend {
                ($0.narrowElements, $0.leastTimedWork, $0.usesConvolutionPlans) = (0, nil, usesPlans)
            }
        }
        let (planned, plain) = (try backend(usesPlans: true), try backend(usesPlans: false))
        for test in ConvolutionPlanTests.cases {
            let expected = try test.run(on: plain, addend)
            let found = try (0..<3).map { _ in try test.run(on: planned, addend) }
            #expect(found[0] == found[1] && found[0] == found[2], "\(test)")
            let differences = zip(found[0], expected).map { ($0 - $1) * ($0 - $1) }.reduce(0, +)
            #expect(differences <= 0x1p-14 * expected.map { $0 * $0 }.reduce(0, +), "\(test)")
        }
    }
}
