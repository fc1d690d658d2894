import TensorCore
import Weights

/// What one job takes, told beforehand: memory, arithmetic and traffic by stage.
///
/// Made by running the pipeline itself on a backend that rehearses (`LayeredPipeline.forecast`), so that it counts the
/// very allocations that the job will make.
public struct JobForecast: Sendable {
    /// Width and height of the layers in pixels.
    public let width: Int
    public let height: Int
    /// In the order in which they run; a job without a caption has no such stage.
    public let stages: [StageForecast]
    /// What the process still holds when the job is done: weights, as far as the plan keeps them, and pictures.
    public let remaining: ProcessMeter.Bytes
    /// What becomes of the layers afterwards; nil if nobody has said.
    public var finish: FinishForecast?

    /// A forecast of its stages.
    public init(
        width: Int, height: Int, stages: [StageForecast], remaining: ProcessMeter.Bytes = ProcessMeter.Bytes()
    ) {
        self.width = width
        self.height = height
        self.stages = stages
        self.remaining = remaining
    }

    /// What is there during all of the job besides what it counts itself; 0 if nobody has said so.
    public var heldBytes: Int { finish?.heldBytes ?? 0 }

    /// The most bytes of the process while the layers are finished; 0 if nobody has said what becomes of them.
    public var finishProcessBytes: Int { finish.map { remaining.totalBytes + $0.heldBytes + $0.hostBytes } ?? 0 }

    /// The most bytes of tensors that the device holds at once.
    public var peakTensorBytes: Int { stages.map(\.peakTensorBytes).max() ?? 0 }

    /// The same with blocks that the device keeps for reuse, as its own count shows.
    public var peakHeldBytes: Int { stages.flatMap(\.peaks).map(\.heldBytes).max() ?? 0 }

    /// The stage that needs the most.
    public var widestStage: StageForecast? { stages.max { $0.peakTensorBytes < $1.peakTensorBytes } }

    /// The most bytes that the process holds at once above what it had before the job: what its devices hold, other
    /// parts of mapped checkpoints that were touched, and arrays of the host.
    public var peakProcessBytes: Int {
        max((stages.map(\.peakProcessBytes).max() ?? 0) + heldBytes, finishProcessBytes)
    }

    /// The most bytes that the process holds at once above what it had before the job, without pages of mapped
    /// checkpoints, and in which stage; nil for finishing the layers.
    ///
    /// Of a stage what counts is the moment at which it holds most with those pages: it may hold a little more
    /// without them at another.
    public var hostPeak: (bytes: Int, stage: PipelineStage?) {
        let finished = finish == nil ? 0 : finishProcessBytes - remaining.mappedBytes
        return stages.reduce((finished, nil)) { peak, stage in
            let bytes = stage.process.totalBytes - stage.process.mappedBytes + heldBytes
            return bytes > peak.0 ? (bytes, stage.stage) : peak
        }
    }

    /// Bytes of mapped checkpoints among `peakProcessBytes`: pages of files, which the system takes back where memory
    /// is short, and reads again.
    public var mappedProcessBytes: Int {
        let widest = stages.map(\.process).max { $0.totalBytes < $1.totalBytes }
        guard let widest, widest.totalBytes + heldBytes >= finishProcessBytes else { return remaining.mappedBytes }
        return widest.mappedBytes
    }

    /// All arithmetic.
    public var work: Work { stages.reduce(Work()) { $0 + $1.work } }
}

/// What is done on the host to the layers of a job that is done, such as fitting them to the picture and writing them.
public struct FinishForecast: Sendable, Hashable {
    /// Bytes of arrays at most, besides what the job has left.
    public let hostBytes: Int
    /// Of what is needed for it and there during all of the job, which comes on top.
    public let heldBytes: Int

    /// So many bytes of the host.
    public init(hostBytes: Int, heldBytes: Int = 0) {
        self.hostBytes = hostBytes
        self.heldBytes = heldBytes
    }
}

/// What one stage of a job takes.
public struct StageForecast: Sendable {
    /// Which.
    public let stage: PipelineStage
    /// The most bytes at once by device: tensors, staged weights, and those lent of a mapped checkpoint.
    public let peaks: [StageUse.Peak]
    /// Bytes of weights at most that devices hold themselves, and that they use where the checkpoint is mapped; both
    /// within the peaks.
    public let heldWeightBytes: Int
    public let sharedWeightBytes: Int
    /// What the process holds above what it had before the job, at the moment when that is most.
    public let process: ProcessMeter.Bytes
    /// Bytes of checkpoints that are read, all repetitions together.
    public let readBytes: Int
    /// Bytes of weights that are asked for, all repetitions together.
    public let weightBytes: Int
    /// Bytes that go to the device: weights that it does not share with the host, and values.
    public let movedBytes: Int
    /// Arithmetic, all repetitions together.
    public let work: Work
    /// Steps, tokens or layers that the stage repeats.
    public let repetitions: Int
    /// Bytes of checkpoints that are read again in each repetition after the first.
    public let readBytesARepetition: Int

    /// What was counted, or is known otherwise.
    public init(
        stage: PipelineStage, peaks: [StageUse.Peak], heldWeightBytes: Int, sharedWeightBytes: Int,
        process: ProcessMeter.Bytes, readBytes: Int, weightBytes: Int, movedBytes: Int, work: Work, repetitions: Int,
        readBytesARepetition: Int
    ) {
        self.stage = stage
        self.peaks = peaks
        self.heldWeightBytes = heldWeightBytes
        self.sharedWeightBytes = sharedWeightBytes
        self.process = process
        self.readBytes = readBytes
        self.weightBytes = weightBytes
        self.movedBytes = movedBytes
        self.work = work
        self.repetitions = repetitions
        self.readBytesARepetition = readBytesARepetition
    }

    /// The most on any device.
    public var peakTensorBytes: Int { peaks.map(\.bytes).max() ?? 0 }

    /// Bytes that the process holds at most, above what it had before the job.
    public var peakProcessBytes: Int { process.totalBytes }
}
