import ImageCodecs
import Jobs
import QwenImage
import Synchronization
import TensorCore

/// Does jobs of layers with one engine; the only code that calls the engine's `decompose`.
final class LayerExecutor: JobExecutor {
    private let decomposer: any LayerDecomposer
    private let maximumPixels: Int
    private let metrics: ServiceMetrics

    init(_ decomposer: any LayerDecomposer, maximumPixels: Int, metrics: ServiceMetrics) {
        self.decomposer = decomposer
        self.maximumPixels = maximumPixels
        self.metrics = metrics
    }

    func execute(
        _ work: JobWork, cancellation: JobCancellation, progress: @escaping @Sendable (JobProgress) -> Void
    ) throws(JobExecutionError) -> [JobResultFile] {
        guard let wanted = LayerWork(work.payload.body) else {
            throw .failed(
                code: ProblemKind.storageFailed.rawValue, message: "the stored request is of another release")
        }
        let engine = Cancellation()
        cancellation.onCancel { engine.cancel() }
        do throws(ServiceError) {
            // Decoded here, one picture a worker at a time, since a small file may hold a very large one.
            progress(JobProgress(stage: "decode_picture", step: 0, total: 1, fraction: 0))
            let split = try wanted.split.map { (split) throws(ServiceError) in
                try split.split(wanted.picture, options: decodeOptions)
            }
            let picture: PixelBuffer
            if let split { picture = split.picture } else { picture = try decoded(wanted.picture) }
            let result = try decompose(picture, split, wanted, engine, work, progress)
            metrics.peakTensorBytes(result.peakTensorBytes)
            progress(JobProgress(stage: "write", step: 0, total: 1, fraction: 1))
            do {
                let layers = try LayeredResult(
                    result, of: picture, finish: wanted.finish, modelName: decomposer.modelName, split: split)
                return try ResultFiles.files(of: ResultEncoder(layers), withPSD: wanted.needsPSD)
            } catch {
                throw .encoding(error)
            }
        } catch {
            throw Self.failure(error)
        }
    }

    private var decodeOptions: DecodeOptions {
        var options = DecodeOptions()
        options.maximumPixels = maximumPixels
        return options
    }

    private func decoded(_ file: [UInt8]) throws(ServiceError) -> PixelBuffer {
        do {
            return try ImageDecoder.decode(file, options: decodeOptions).pixels
        } catch {
            throw .picture(error)
        }
    }

    private func decompose(
        _ picture: PixelBuffer, _ split: LayerSplit?, _ wanted: LayerWork, _ cancellation: Cancellation,
        _ work: JobWork, _ progress: @escaping @Sendable (JobProgress) -> Void
    ) throws(ServiceError) -> Decomposition {
        let last = Mutex(JobProgress(stage: PipelineStage.denoise.rawValue, step: 0, total: 1, fraction: 0))
        let preview = PreviewWatch(isWanted: work.isFollowed) { picture in
            // A preview that cannot be written is none.
            guard let png = try? PNGEncoder.encode(picture) else { return }
            var state = last.withLock { $0 }
            state.preview = png
            progress(state)
        }
        do {
            return try decomposer.decompose(
                picture, parameters: wanted.parameters, finish: wanted.finish,
                others: split.map { OtherLayers($0, fileBytes: wanted.picture.count) }, cancellation: cancellation,
                preview: preview
            ) { state in
                let state = JobProgress(
                    stage: state.stage.rawValue, step: state.completed, total: state.total,
                    fraction: min(max(state.fraction, 0), 1))
                last.withLock { $0 = state }
                progress(state)
            }
        } catch {
            throw .pipeline(error)
        }
    }

    /// A broken worker is told from a request that cannot be done.
    private static func failure(_ error: ServiceError) -> JobExecutionError {
        switch error {
        case .pipeline(.cancelled), .pipeline(.tensor(.cancelled)): return .cancelled
        default: break
        }
        let problem = Problem(error)
        return problem.code == ProblemKind.engineFailed.rawValue
            ? .workerFault(code: problem.code, message: problem.detail)
            : .failed(code: problem.code, message: problem.detail)
    }
}
