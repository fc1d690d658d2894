import Glibc
import TensorCore

/// Why a checkpoint cannot be read, or a file of tensors or configuration not be read or written; each description is
/// one line.
///
/// `file` is what messages call a file: `transformer/config.json` in a model folder, or the path as it was given.
public enum WeightsError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A file that was asked for is not there.
    case fileMissing(file: String)
    /// A folder, a device or a pipe where a file is needed.
    case notRegularFile(file: String)
    /// A file of 0 bytes.
    case emptyFile(file: String)
    /// What git has in place of a file that is stored by Git LFS and was not fetched.
    case pointerFile(file: String)
    /// A file beyond the size that is read at once.
    case fileTooLarge(file: String, limitBytes: Int, foundBytes: Int)
    /// The system refused; `code` is an errno.
    case io(operation: String, file: String, code: Int32)
    /// A component's folder is not there.
    case folderMissing(folder: String)
    /// A folder without weights in safetensors; `found` is a pickle file that is there instead.
    case weightsMissing(folder: String, found: String?)
    /// Shards without the index that says what is in them.
    case indexMissing(folder: String, shard: String)
    /// Several variants and no plain file, so that none can be chosen.
    case ambiguousVariants(folder: String, files: [String])
    /// A shard that the index names is not there.
    case shardMissing(shard: String, index: String)
    /// An index names a file that is not a plain safetensors name.
    case pathNotAllowed(file: String, path: String)
    /// An index or another JSON file is not as its format says.
    case indexInvalid(file: String, problem: JSONProblem)
    /// A file ends before its tensors do.
    case truncated(file: String, expectedBytes: Int, foundBytes: Int)
    /// A file goes on after its last tensor.
    case trailingBytes(file: String, expectedBytes: Int, foundBytes: Int)
    /// A safetensors header breaks the format.
    case headerInvalid(file: String, problem: HeaderProblem)
    /// A GGUF file breaks its format, or is of a kind that is not read.
    case ggufInvalid(file: String, problem: GGUFProblem)
    /// A GGUF file where one is not taken.
    case ggufNotTaken(file: String)
    /// A GGUF file of another kind of model.
    case ggufArchitecture(file: String, expected: String, found: String)
    /// A tensor that was asked for is not there.
    case tensorMissing(tensor: String, file: String)
    /// A tensor has another shape than the model's configuration says.
    case wrongShape(tensor: String, file: String, expected: Shape, found: Shape)
    /// A tensor's elements are of a type that the engine does not compute with.
    case unsupportedDType(tensor: String, file: String, dtype: DType)
    /// A quantised matrix cannot be used.
    case quantization(tensor: String, file: String, problem: QuantizationProblem)
    /// A matrix that is to be held in few bits cannot be.
    case conversion(tensor: String, file: String, problem: TensorError)
    /// A LoRA cannot be applied; `tensor` is the key that shows it, nil for the file as a whole.
    case lora(tensor: String?, file: String, problem: LoRAProblem)
    /// A configuration file is not as the model needs it.
    case configuration(file: String, problem: ConfigurationProblem)
    /// The backend could not take the weights, or the work on them failed.
    case tensor(TensorError)

    /// The error as one line for a user.
    public var description: String {
        switch self {
        case .fileMissing(let file): "\(file.quotable) is missing"
        case .notRegularFile(let file): "\(file.quotable) is not a file"
        case .emptyFile(let file): "\(file.quotable) is empty (0 bytes); fetch it again"
        case .pointerFile(let file):
            "\(file.quotable) is only a pointer to a file in Git LFS: fetch the file itself (git lfs pull)"
        case .fileTooLarge(let file, let limit, let found):
            "\(file.quotable) has \(ByteCount(found)), but at most \(ByteCount(limit)) are read of such a file"
        case .io(let operation, let file, let code):
            "cannot \(operation) \(file.quotable): \(String(cString: strerror(code)))"
        case .folderMissing(let folder): "the folder \(folder.quotable) is missing"
        case .weightsMissing(let folder, let found?):
            "\(folder.quotable) holds \(found.quotable), but weights are read from safetensors files only; convert them"
        case .weightsMissing(let folder, nil):
            "\(folder.quotable) holds no weights: neither diffusion_pytorch_model.safetensors nor model.safetensors,"
                + " nor an index of either"
        case .indexMissing(let folder, let shard):
            "\(folder.quotable) holds the shard \(shard.quotable), but no *.safetensors.index.json"
        case .ambiguousVariants(let folder, let files):
            "\(folder.quotable) holds several variants and no plain file: \(files.joined(separator: ", ").quotable);"
                + " keep one of them"
        case .shardMissing(let shard, let index): "\(shard.quotable) is missing (\(index.quotable) names it)"
        case .pathNotAllowed(let file, let path):
            "\(file.quotable) names '\(path.quotable)', but a shard must be a plain name ending in .safetensors"
        case .indexInvalid(let file, let problem): "\(file.quotable) is not valid: \(problem)"
        case .truncated(let file, let expected, let found):
            "\(file.quotable) is cut short: \(expected) bytes are expected, \(found) are there; fetch it again"
        case .trailingBytes(let file, let expected, let found):
            "\(file.quotable) goes on after its last tensor: \(expected) bytes are expected, \(found) are there"
        case .headerInvalid(let file, let problem):
            "\(file.quotable) is not a valid safetensors file: \(problem)"
        case .ggufInvalid(let file, let problem): "\(file.quotable) is no GGUF file that can be read: \(problem)"
        case .ggufNotTaken(let file):
            "\(file.quotable) is a GGUF file; only the transformer may be one: give these weights as safetensors"
        case .ggufArchitecture(let file, let expected, let found):
            "\(file.quotable) is a GGUF file of the architecture '\(found.quotable)';"
                + " that of this component is '\(expected)'"
        case .tensorMissing(let tensor, let file): "\(file.quotable) has no tensor '\(tensor.quotable)'"
        case .wrongShape(let tensor, let file, let expected, let found):
            "the tensor '\(tensor.quotable)' in \(file.quotable) has the shape \(found), but \(expected) is expected"
        case .unsupportedDType(let tensor, let file, let dtype):
            "the tensor '\(tensor.quotable)' in \(file.quotable) is \(dtype.rawValue);"
                + " the engine reads float32, bfloat16, float16, float8_e4m3fn and float8_e5m2, and int8 with a scale"
        case .quantization(let tensor, let file, let problem):
            "the tensor '\(tensor.quotable)' in \(file.quotable) is quantised, but \(problem)"
        case .conversion(let tensor, let file, let problem):
            "the tensor '\(tensor.quotable)' in \(file.quotable) cannot be converted: \(problem)"
        case .lora(let tensor, let file, let problem):
            "the LoRA \(file.quotable) cannot be applied: "
                + (tensor.map { "'\($0.quotable)': " } ?? "") + problem.description
        case .configuration(let file, let problem): "\(file.quotable): \(problem)"
        case .tensor(let error): error.description
        }
    }
}

extension String {
    /// Longest name that a message repeats, in characters.
    private static let quotableLimit = 240

    /// The text as it may stand in a one-line message: what a file says about itself could hold line ends and escape
    /// sequences.
    var quotable: String {
        var result = ""
        for scalar in unicodeScalars.prefix(Self.quotableLimit) {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse:
                result += "?"
            default:
                result.unicodeScalars.append(scalar)
            }
        }
        return unicodeScalars.count > Self.quotableLimit ? result + "..." : result
    }
}
