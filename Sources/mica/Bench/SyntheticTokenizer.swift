import Foundation

/// A byte-level tokenizer without merges: each byte is a token.
enum SyntheticTokenizer {
    /// How Qwen2's tokenizer splits a text; a file with another pattern is refused.
    private static let pattern =
        #"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"#
        + #"|\s*[\r\n]+|\s+(?!\S)|\s+"#

    /// `tokenizer.json`; bytes have the numbers 0 to 255.
    static func object(special: [(name: String, id: Int)]) -> [String: Any] {
        let split: [String: Any] = [
            "type": "Split", "pattern": ["Regex": pattern], "behavior": "Isolated", "invert": false,
        ]
        let bytes: [String: Any] = [
            "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false,
        ]
        return [
            "version": "1.0", "normalizer": ["type": "NFC"],
            "pre_tokenizer": ["type": "Sequence", "pretokenizers": [split, bytes]],
            "model": ["type": "BPE", "byte_fallback": false, "vocab": vocabulary, "merges": [String]()],
            "added_tokens": special.map { token -> [String: Any] in
                [
                    "id": token.id, "content": token.name, "single_word": false, "lstrip": false, "rstrip": false,
                    "normalized": false, "special": true,
                ]
            },
        ]
    }

    /// Bytes as GPT-2 spells them: a printable one as itself, the others as characters from U+0100 on.
    private static var vocabulary: [String: Int] {
        var vocabulary: [String: Int] = [:]
        var next: UInt32 = 0x100
        for byte in UInt32(0)...255 {
            let isPrintable =
                (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || (0xAE...0xFF).contains(byte)
            if let scalar = Unicode.Scalar(isPrintable ? byte : next) { vocabulary[String(scalar)] = Int(byte) }
            if !isPrintable { next += 1 }
        }
        return vocabulary
    }
}
