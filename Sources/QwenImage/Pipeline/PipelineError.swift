import ImageCodecs
import TensorCore
import Weights

/// Why a decomposition or the loading of a model failed; each description is one line for the person who asked.
public enum PipelineError: Error, Sendable, CustomStringConvertible {
    /// A parameter outside of its range.
    case parameterOutOfRange(name: String, value: String, range: String)
    /// Something in the model folder is not as the engine needs it; `file` is relative to the folder.
    case model(file: String, problem: String)
    /// `model_index.json` names another pipeline.
    case unknownPipeline(found: String, expected: String)
    /// The VAE has no alpha channel.
    case vaeChannels(found: Int)
    /// An empty prompt for a model that cannot write captions.
    case noCaptioner
    /// Given noise of the wrong size.
    case latentsShape(expected: [Int], found: [Int])
    /// A checkpoint's file or tensor is broken.
    case weights(WeightsError)
    /// The tokenizer's files are broken.
    case tokenizer(TokenizerError)
    /// The scheduler's configuration asks for something that is not supported.
    case scheduler(SchedulerError)
    /// A picture could not be resized or built.
    case image(ImageError)
    /// The device cannot compute something, or ran out of memory outside of any stage.
    case tensor(TensorError)
    /// A stage of the job ran out of memory; `fitting` says what would fit, where it is known.
    case outOfMemory(stage: PipelineStage, cause: TensorError, fitting: String?)
    /// Weights cannot be placed as it was asked, or the budget is too small.
    case placement(PlacementError)
    /// The caller asked to stop.
    case cancelled

    public var description: String {
        switch self {
        case .parameterOutOfRange(let name, let value, let range): "\(name) is \(value), but must be \(range)"
        case .model(let file, let problem): "\(file): \(problem)"
        case .unknownPipeline(let found, let expected):
            "model_index.json names the pipeline \(found); Mica runs \(expected) only"
        case .vaeChannels(let found):
            "the VAE has \(found) channels, but layers need the RGBA VAE of Qwen-Image-Layered (input_channels 4);"
                + " the plain Qwen-Image VAE does not fit"
        case .noCaptioner: "this model writes no captions: give a prompt"
        case .latentsShape(let expected, let found): "latents have the shape \(found), but this job needs \(expected)"
        case .weights(let error): error.description
        case .tokenizer(let error): error.description
        case .image(let error): error.description
        case .scheduler(let error): error.description
        case .tensor(let error): error.description
        case .outOfMemory(let stage, let error, let fitting):
            "\(stage.rawValue): \(error.description)" + (fitting.map { "; \($0)" } ?? "")
        case .placement(let error): error.description
        case .cancelled: "cancelled"
        }
    }
}
