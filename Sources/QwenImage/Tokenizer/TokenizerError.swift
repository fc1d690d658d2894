import Weights

/// What can be wrong with a tokenizer's files.
public enum TokenizerError: Error, Sendable, Equatable {
    /// The folder has neither `tokenizer.json` nor `vocab.json` with `merges.txt`.
    case missingFiles(folder: String)
    /// A file cannot be read, or is longer than any real one.
    case file(WeightsError)
    /// A file is not what its name says.
    case malformed(path: String, detail: String)
    /// A file asks for a kind of tokenizer, or an option, that this one does not carry out.
    case unsupported(path: String, component: String, found: String)
    /// The vocabulary lacks the token of a single byte, so that some text could not be encoded.
    case missingByte(path: String, byte: UInt8)
    /// A merge names a token, or makes one, that the vocabulary lacks.
    case unknownMergeToken(path: String, merge: Int, token: String)
}

extension TokenizerError: CustomStringConvertible {
    /// One line for a user, with what to do where that is known.
    public var description: String {
        switch self {
        case .missingFiles(let folder):
            "no tokenizer in \(folder): expected tokenizer.json, or vocab.json with merges.txt"
        case .file(let error): error.description
        case .malformed(let path, let detail):
            "the tokenizer's \(path) is malformed: \(detail)"
        case .unsupported(let path, let component, let found):
            "the tokenizer's \(path) has \(component) = \(found), which is not what a Qwen2 tokenizer has"
        case .missingByte(let path, let byte):
            "the vocabulary in \(path) has no token for the byte \(byte); the file is not a byte-level vocabulary"
        case .unknownMergeToken(let path, let merge, let token):
            "merge \(merge) in \(path) names or makes the token \"\(token)\", which the vocabulary lacks"
        }
    }
}
