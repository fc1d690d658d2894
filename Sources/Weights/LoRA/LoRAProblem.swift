import TensorCore

/// What makes a LoRA file, or one tensor of it, unusable.
public enum LoRAProblem: Error, Sendable, Equatable, CustomStringConvertible {
    /// A kind of adapter that is no plain LoRA, such as `DoRA`.
    case otherKind(String)
    /// A key that ends in no part of a LoRA.
    case unknownPart
    /// A key of a module that the model does not have, or that is no linear layer of it.
    case unknownModule(String)
    /// Two spellings of the same key.
    case repeated(module: String)
    /// A tensor without the other ones of its module.
    case partMissing(name: String, module: String)
    /// A matrix that does not fit the module; `expected` says it as a shape with a word for the rank, which may be any.
    case wrongShape(expected: String, found: Shape)
    /// Two matrices of different ranks.
    case ranksDiffer(down: Int, up: Int)
    /// An alpha that is no finite number.
    case alphaInvalid
    /// The text `lora_adapter_metadata` of the header is not as PEFT writes it.
    case metadataInvalid(String)
    /// A file without any tensor.
    case empty

    /// What is read, for messages about what is not.
    static let supported =
        "plain LoRA is applied: pairs lora_A and lora_B, or lora_down and lora_up, with alpha or without,"
        + " for linear layers of the transformer"

    /// The problem, as the rest of a line that names tensor and file.
    public var description: String {
        switch self {
        case .otherKind(let kind): "it belongs to \(kind); \(Self.supported)"
        case .unknownPart: "it is no part of a LoRA; \(Self.supported)"
        case .unknownModule(let module):
            "the model has no linear layer '\(module.quotable)'; \(Self.supported)"
        case .repeated(let module): "the file has this part of '\(module.quotable)' twice, in two spellings"
        case .partMissing(let name, let module): "\(name) of '\(module.quotable)' is missing; \(Self.supported)"
        case .wrongShape(let expected, let found):
            "its shape is \(found), but this model needs \(expected): is it made for another model?"
        case .ranksDiffer(let down, let up): "its rank is \(up), but that of the other matrix is \(down)"
        case .alphaInvalid: "its alpha is not a single finite number"
        case .metadataInvalid(let problem): "it is not as PEFT writes it: \(problem.quotable)"
        case .empty: "there is no tensor in it; \(Self.supported)"
        }
    }
}
