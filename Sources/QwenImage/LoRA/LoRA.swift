import Foundation

/// A LoRA that is applied to the transformer, as a user names it.
public struct LoRA: Sendable, Equatable {
    /// The safetensors file.
    public let file: URL
    /// What its part is multiplied by; 0 switches it off.
    public let weight: Double

    /// A file, as it is or stronger or weaker.
    public init(file: URL, weight: Double = 1) {
        self.file = file
        self.weight = weight
    }

    /// Reads `FILE` or `FILE:WEIGHT`.
    ///
    /// What follows the last colon is a weight if it is a number, unless there is a file of the whole name: a name may
    /// have colons itself. Nil for a text without a name, and for a weight that is not finite.
    public init?(text: String) {
        let isFile = FileManager.default.fileExists(atPath: text)
        if !isFile, let colon = text.lastIndex(of: ":"), let weight = Double(text[text.index(after: colon)...]) {
            guard weight.isFinite, colon > text.startIndex else { return nil }
            self.init(file: URL(fileURLWithPath: String(text[..<colon])), weight: weight)
            return
        }
        guard !text.isEmpty else { return nil }
        self.init(file: URL(fileURLWithPath: text))
    }

    /// What answers and results call it: the file's name without its ending.
    public var name: String { file.deletingPathExtension().lastPathComponent }
}
