import CPUBackend
import Foundation
import ImageCodecs
import QwenImage
import TensorCore
import Testing

/// A forecast runs the pipeline's own code on shapes: what it says of memory is what the job then takes.
struct ForecastTests {
    /// By stage and in every precision, the peak of a job in a fresh process equals the forecast to the byte.
    @Test(arguments: GoldenCase.all, ComputePrecision.allCases)
    func peaksAreThoseOfTheJob(_ golden: GoldenCase, _ precision: ComputePrecision) throws {
        let backend = CPUBackend(threads: 2, precision: precision)
        let pipeline = try LayeredPipeline(model: golden.checkpoint, backend: backend)
        let picture = try golden.picture()
        var parameters = golden.parameters
        // The length of a caption is not known beforehand.
        if parameters.needsCaption { parameters.prompt = "A red square on white." }
        let forecast = try pipeline.forecast(parameters, pictureWidth: picture.width, pictureHeight: picture.height)
        let result = try pipeline.decompose(picture, parameters: parameters)
        #expect(forecast.width == result.width && forecast.height == result.height)
        #expect(forecast.stages.map(\.stage) == result.stageSeconds.map(\.stage))
        for stage in forecast.stages {
            #expect(stage.peakTensorBytes == result.stagePeakBytes[stage.stage], "\(golden) \(stage.stage)")
        }
        #expect(forecast.peakTensorBytes == result.peakTensorBytes)
    }

    /// A forecast leaves nothing on the backend that it speaks of, and is quick.
    @Test func takesNoMemory() throws {
        let golden = try #require(GoldenCase.all.first)
        let backend = CPUBackend(threads: 2)
        let pipeline = try LayeredPipeline(model: golden.checkpoint, backend: backend)
        let before = backend.memory.usedBytes
        backend.resetPeak()
        var parameters = golden.parameters
        parameters.prompt = nil
        parameters.resolution = 1024
        parameters.layers = 8
        parameters.numInferenceSteps = 50
        let forecast = try pipeline.forecast(parameters, pictureWidth: 1000, pictureHeight: 600)
        #expect(backend.memory == MemoryUse(usedBytes: before, peakBytes: before))
        #expect(forecast.stages.map(\.stage) == PipelineStage.allCases)
        #expect(forecast.peakTensorBytes > 50 << 20)
    }
}
