import CPUBackend
import Foundation
import QwenImage
import Testing
import Weights

/// Products in bfloat16: no stage may be further from the reference's float32 than the reference's own bfloat16 is
/// (`tools/make_bfloat16_errors.py`).
@Suite(.enabled(if: ComputePrecision.hasFastBFloat16, "this CPU has no products of bfloat16"))
struct BFloat16Tests {
    static let errors: [String: [String: Double]] = {
        let file = GoldenCase.root.appendingPathComponent("bfloat16_errors.json")
        return (try? JSONDecoder().decode([String: [String: Double]].self, from: Data(contentsOf: file))) ?? [:]
    }()

    @Test func theMeasuredErrorsAreThere() {
        #expect(Self.errors.count == GoldenCase.all.filter { !$0.parameters.needsCaption }.count)
    }

    @Test(arguments: GoldenCase.all.filter { !$0.parameters.needsCaption })
    func isAsCloseAsTheReference(_ golden: GoldenCase) throws {
        let allowed = try #require(Self.errors[golden.meta.name])
        let backend = CPUBackend(compute: .bfloat16)
        let observer = RecordingObserver(backend)
        var hooks = LayeredPipeline.Hooks()
        hooks.observer = observer
        _ = try LayeredPipeline(model: golden.checkpoint, backend: backend).decompose(
            golden.picture(), parameters: golden.parameters, latents: golden.latents(), hooks: hooks)
        let file = try golden.golden()
        var compared = 0
        for (name, bound) in allowed {
            guard let found = observer.values[name] else { continue }
            let error = relativeError(found, try file.tensor(named: name).floats())
            #expect(error <= bound, "\(golden.meta.name): \(name) differs by \(error), the reference by \(bound)")
            compared += 1
        }
        #expect(compared >= 5)
    }
}
