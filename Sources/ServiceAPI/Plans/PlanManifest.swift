import Foundation
import HostLimits
import LayerFitting
import QwenImage
import TensorCore

/// What a job will take, as JSON: the answer of `POST /v1/plan` and of `mica plan --json`.
public struct PlanManifest: Codable, Sendable {
    /// Whose figures these are.
    public let model: String
    public let device: String
    /// In what matrices are multiplied.
    public let precision: String
    /// The layers' size in pixels.
    public let width: Int
    public let height: Int
    public let resolution: Int
    public let layers: Int
    public let numInferenceSteps: Int
    public let numImagesPerPrompt: Int
    /// True if the job fits with the plan that is named.
    public let fits: Bool
    /// The plan that is taken, or the one that needs least if none fits.
    public let plan: String
    /// True if the autoencoder takes its pictures in tiles.
    public let vaeTiles: Bool
    /// Nil without a limit.
    public let budgetBytes: Int?
    /// The least that any plan needs.
    public let smallestBytes: Int
    /// What all of a job may hold on the host; nil without a limit.
    public let hostBudgetBytes: Int?
    /// The least that a plan needs there which the devices can hold; nil without a limit, or such a plan.
    public let smallestHostBytes: Int?
    public let peakTensorBytes: Int
    public let peakProcessBytes: Int
    /// Pages of the checkpoint's files among them, which the system may take back.
    public let mappedProcessBytes: Int
    public let flops: Double
    public let seconds: Double
    /// `measured`, or `published` for a device that is not there.
    public let rates: String
    public let stages: [Stage]
    /// Every plan that was looked at, fastest first.
    public let plans: [Candidate]

    /// One stage of the job.
    public struct Stage: Codable, Sendable {
        /// As in a job's progress.
        public let stage: String
        /// Bytes of tensors at most.
        public let peakTensorBytes: Int
        /// Weights on the device, within the peak; and those that it shares with the mapped checkpoint.
        public let heldWeightBytes: Int
        public let sharedWeightBytes: Int
        public let peakProcessBytes: Int
        public let readBytes: Int
        public let movedBytes: Int
        /// Bytes read again in each step, token or layer.
        public let readBytesARepetition: Int
        public let repetitions: Int
        public let flops: Double
        public let seconds: Double
        /// `arithmetic`, `memory`, `storage` or `link`.
        public let limit: String

        enum CodingKeys: String, CodingKey {
            case stage
            case peakTensorBytes = "peak_tensor_bytes"
            case heldWeightBytes = "held_weight_bytes"
            case sharedWeightBytes = "shared_weight_bytes"
            case peakProcessBytes = "peak_process_bytes"
            case readBytes = "read_bytes"
            case movedBytes = "moved_bytes"
            case readBytesARepetition = "read_bytes_a_repetition"
            case repetitions
            case flops
            case seconds
            case limit
        }
    }

    /// One plan.
    public struct Candidate: Codable, Sendable {
        /// As `--offload` has it.
        public let plan: String
        /// True if the autoencoder takes its pictures in tiles.
        public let vaeTiles: Bool
        /// True if it keeps to the budget.
        public let fits: Bool
        /// Why it is not taken.
        public let reason: String?
        public let peakTensorBytes: Int?
        public let seconds: Double?

        enum CodingKeys: String, CodingKey {
            case plan
            case vaeTiles = "vae_tiles"
            case fits
            case reason
            case peakTensorBytes = "peak_tensor_bytes"
            case seconds
        }
    }

    enum CodingKeys: String, CodingKey {
        case model
        case device
        case precision
        case width
        case height
        case resolution
        case layers
        case numInferenceSteps = "num_inference_steps"
        case numImagesPerPrompt = "num_images_per_prompt"
        case fits
        case plan
        case vaeTiles = "vae_tiles"
        case budgetBytes = "budget_bytes"
        case smallestBytes = "smallest_bytes"
        case hostBudgetBytes = "host_budget_bytes"
        case smallestHostBytes = "smallest_host_bytes"
        case peakTensorBytes = "peak_tensor_bytes"
        case peakProcessBytes = "peak_process_bytes"
        case mappedProcessBytes = "mapped_process_bytes"
        case flops
        case seconds
        case rates
        case stages
        case plans
    }

    /// Describes a forecast of a job with these parameters, for which some way could be counted.
    public init(
        _ plan: PlanForecast, parameters: DecompositionParameters, model: String, device: String, precision: String,
        rates: DeviceRates
    ) {
        guard let shown = plan.chosen ?? plan.smallest, let forecast = shown.forecast else {
            preconditionFailure("a plan without a forecast")
        }
        self.model = model
        self.device = device
        self.precision = precision
        width = forecast.width
        height = forecast.height
        resolution = parameters.resolution
        layers = parameters.layers
        numInferenceSteps = parameters.numInferenceSteps
        numImagesPerPrompt = parameters.numImagesPerPrompt
        fits = plan.chosen != nil
        self.plan = shown.plan.description
        vaeTiles = shown.usesTiles
        budgetBytes = plan.budgetBytes
        smallestBytes = plan.smallestBytes ?? forecast.peakTensorBytes
        hostBudgetBytes = plan.hostBudgetBytes
        smallestHostBytes = plan.smallestHostBytes
        peakTensorBytes = forecast.peakTensorBytes
        peakProcessBytes = forecast.peakProcessBytes
        mappedProcessBytes = forecast.mappedProcessBytes
        flops = Double(forecast.work.floatingPointOperations)
        self.rates = rates.source
        stages =
            forecast.stages.map { Stage($0, heldBytes: forecast.heldBytes, rates) }
            + (Stage(finishing: forecast).map { [$0] } ?? [])
        seconds = stages.reduce(0) { $0 + $1.seconds }
        plans = plan.candidates.map { Candidate($0, rates) }
    }
}

extension PlanManifest.Stage {
    init(_ forecast: StageForecast, heldBytes: Int, _ rates: DeviceRates) {
        let estimate = rates.estimate(forecast)
        stage = forecast.stage.rawValue
        peakTensorBytes = forecast.peakTensorBytes
        heldWeightBytes = forecast.heldWeightBytes
        sharedWeightBytes = forecast.sharedWeightBytes
        peakProcessBytes = forecast.peakProcessBytes + heldBytes
        readBytes = forecast.readBytes
        movedBytes = forecast.movedBytes
        readBytesARepetition = forecast.readBytesARepetition
        repetitions = forecast.repetitions
        flops = Double(forecast.work.floatingPointOperations)
        seconds = estimate.seconds
        limit = estimate.limit.rawValue
    }
}

extension PlanManifest.Stage {
    /// Finishing the layers, after the job's own stages; nil if nobody has said what becomes of them.
    fileprivate init?(finishing forecast: JobForecast) {
        guard forecast.finish != nil else { return nil }
        stage = "finish"
        // What the devices that are the host keep.
        peakTensorBytes = forecast.remaining.ownBytes
        heldWeightBytes = forecast.remaining.ownBytes
        sharedWeightBytes = 0
        peakProcessBytes = forecast.finishProcessBytes
        (readBytes, movedBytes, readBytesARepetition, repetitions) = (0, 0, 0, 1)
        (flops, seconds) = (0, 0)
        limit = DeviceRates.Limit.memory.rawValue
    }
}

extension FinishForecast {
    /// What finishing the layers takes on the host: making them, then writing their files.
    ///
    /// - Parameters:
    ///   - finish: what becomes of the layers.
    ///   - job: whose layers they are.
    ///   - others: of the same result, where the picture is a layer of it that is split.
    ///   - width: of the picture, in pixels.
    ///   - height: the same.
    ///   - flatRegions: whether each region of one colour is given to one layer, as the model's defaults say.
    ///   - processors: that work at the same time.
    public init(
        _ finish: LayerFinish, of job: JobForecast, for parameters: DecompositionParameters,
        others: OtherLayers? = nil, width: Int, height: Int, flatRegions: Bool,
        processors: Int = ProcessorCount.available
    ) {
        var finish = finish
        // As `LayeredResult` has it.
        if others != nil { finish.fit = .original }
        let memory = FitMemory(
            finish, count: parameters.layers, width: job.width, height: job.height, pictureWidth: width,
            pictureHeight: height, threads: processors, flatRegions: flatRegions)
        // The results of an image are there while the next one's are made.
        let images = parameters.numImagesPerPrompt
        let making = memory.peakBytes + (images - 1) * memory.resultBytes
        let (columns, rows) = finish.fit == .original ? (width, height) : (job.width, job.height)
        let space = WritingSpace(
            images: images, layers: parameters.layers, width: columns, height: rows, others: others,
            promptBytes: (parameters.prompt?.utf8.count ?? 0) + (parameters.negativePrompt?.utf8.count ?? 0),
            processors: processors)
        // Layers that stay the model's are among what the job has left.
        self.init(
            hostBytes: max(making, images * memory.resultBytes + space.peakBytes), heldBytes: others?.heldBytes ?? 0)
    }
}

extension PlanManifest.Candidate {
    init(_ candidate: PlanCandidate, _ rates: DeviceRates) {
        plan = candidate.plan.description
        vaeTiles = candidate.usesTiles
        fits = candidate.refusal == nil
        reason = candidate.refusal?.description
        peakTensorBytes = candidate.forecast?.peakTensorBytes
        seconds = candidate.forecast.map { $0.stages.reduce(0) { $0 + rates.estimate($1).seconds } }
    }
}
