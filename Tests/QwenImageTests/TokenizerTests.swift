import Foundation
import QwenImage
import Testing

/// The tokenizer against huggingface/tokenizers 0.23.3 and transformers 5.23 (`tools/make_tokenizer_fixtures.py`).
@Suite struct TokenizerTests {
    struct Cases: Decodable {
        struct Encoding: Decodable {
            let text: String
            let tiny: [Int]
            let trained: [Int]
        }
        struct Decoding: Decodable {
            let ids: [Int]
            let skipping: String
            let whole: String
        }
        let encodings: [Encoding]
        let decodings: [Decoding]
    }

    static func folder(_ name: String) throws -> URL {
        try #require(Bundle.module.url(forResource: name, withExtension: nil, subdirectory: "Fixtures/tokenizer"))
    }

    static func cases() throws -> Cases {
        try JSONDecoder().decode(Cases.self, from: Data(contentsOf: folder("cases.json")))
    }

    @Test(arguments: ["tiny", "files"])
    func encodesAsTheReference(layout: String) throws {
        let tokenizer = try Tokenizer(folder: Self.folder(layout))
        let encodings = try Self.cases().encodings
        #expect(encodings.count > 300)
        for encoding in encodings {
            #expect(tokenizer.encode(encoding.text) == encoding.tiny, "\(encoding.text.debugDescription)")
        }
        #expect(tokenizer.vocabularySize == 594)
        #expect(tokenizer.id(of: "<|im_end|>") == 582)
        #expect(tokenizer.id(of: "Ġa") == 256)
        #expect(tokenizer.id(of: "no such token") == nil)
    }

    @Test func encodesWithALargerVocabulary() throws {
        let tokenizer = try Tokenizer(folder: Self.folder("trained"))
        for encoding in try Self.cases().encodings {
            #expect(tokenizer.encode(encoding.text) == encoding.trained, "\(encoding.text.debugDescription)")
        }
    }

    @Test func decodesAsTheReference() throws {
        let tokenizer = try Tokenizer(folder: Self.folder("trained"))
        for decoding in try Self.cases().decodings {
            // By scalars: as strings, differently composed texts would be equal.
            let skipping = tokenizer.decode(decoding.ids, skippingSpecialTokens: true)
            #expect(Array(skipping.unicodeScalars) == Array(decoding.skipping.unicodeScalars), "\(decoding.ids)")
            let whole = tokenizer.decode(decoding.ids, skippingSpecialTokens: false)
            #expect(Array(whole.unicodeScalars) == Array(decoding.whole.unicodeScalars), "\(decoding.ids)")
        }
        #expect(tokenizer.decode([-1, 1 << 40], skippingSpecialTokens: false).isEmpty)
    }

    /// A merge that looked at all pairs each time would take minutes here; this takes well under a second.
    @Test(.timeLimit(.minutes(1)), arguments: ["ab", "=", " ", "\u{301}\u{323}", "\u{56FE}", "<|im_"])
    func longRunsWithoutBlanksAreQuick(unit: String) throws {
        let tokenizer = try Tokenizer(folder: Self.folder("trained"))
        let text = String(repeating: unit, count: 20_000 / unit.utf8.count)
        let ids = tokenizer.encode(text)
        #expect(!ids.isEmpty)
        let decoded = tokenizer.decode(ids, skippingSpecialTokens: false)
        #expect(decoded.unicodeScalars.count == text.unicodeScalars.count)
    }
}

/// Files that are no tokenizer, or one of another kind.
@Suite struct TokenizerFileTests {
    /// A copy of a fixture folder with one file's text changed, or removed where `text` is nil.
    static func withChanged<Result>(
        _ layout: String, _ file: String, _ change: (String) -> String?, _ body: (URL) throws -> Result
    ) throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.copyItem(at: TokenizerTests.folder(layout), to: folder)
        defer { try? FileManager.default.removeItem(at: folder) }
        let url = folder.appendingPathComponent(file)
        let changed = change(try String(contentsOf: url, encoding: .utf8))
        if let changed { try Data(changed.utf8).write(to: url) } else { try FileManager.default.removeItem(at: url) }
        return try body(folder)
    }

    static func check(_ layout: String, _ file: String, _ word: String, _ change: (String) -> String?) throws {
        try withChanged(layout, file, change) { folder in
            let error = #expect(throws: TokenizerError.self) { try Tokenizer(folder: folder) }
            #expect(error?.description.contains(word) == true, "\(String(describing: error)) lacks \(word)")
            #expect(error?.description.contains("\n") == false)
        }
    }

    @Test(arguments: [
        (#""type":"NFC""#, #""type":"NFD""#, "normalizer"),
        (#"\\p{N}| "#, #"\\p{N}{1,3}| "#, "pre_tokenizer.pattern"),
        (#""behavior":"Isolated""#, #""behavior":"Removed""#, "pre_tokenizer.behavior"),
        (#""use_regex":false"#, #""use_regex":true"#, "use_regex"),
        (#""add_prefix_space":false"#, #""add_prefix_space":true"#, "add_prefix_space"),
        (#""type":"BPE""#, #""type":"WordPiece""#, "WordPiece"),
        (#""ignore_merges":false"#, #""ignore_merges":true"#, "ignore_merges"),
        (#""byte_fallback":false"#, #""byte_fallback":true"#, "byte_fallback"),
        (#""lstrip":false"#, #""lstrip":true"#, "lstrip"),
        (#""single_word":false"#, #""single_word":true"#, "single_word"),
        (#""!":0,"#, "", "byte 33"),
        (#""!":0,"#, #""!":1,"#, "taken"),
        (#""!":0,"#, #""!":-1,"#, "the id of"),
        (#""!":0,"#, #""!":99999999999,"#, "the id of"),
        (#""!":0,"#, #""!":"0","#, "the id of"),
        (#""Ġ a""#, #""Ġ zzzz""#, "zzzz"),
        (#""Ġ a""#, #""Ġa""#, "merge 4"),
        (#""Ġ a""#, #"["Ġ"]"#, "merge 4"),
        (#""vocab""#, #""words""#, "model.vocab"),
        (#""model""#, #""models""#, "model is missing"),
    ])
    func refusesOtherTokenizers(original: String, replacement: String, word: String) throws {
        try Self.check("trained", "tokenizer.json", word) { text in
            guard let range = text.range(of: original) else { return text }
            return text.replacingCharacters(in: range, with: replacement)
        }
    }

    @Test(arguments: [0, 1, 2, 100, 5000, 30_000, 60_000])
    func refusesTruncatedFiles(count: Int) throws {
        try Self.check("trained", "tokenizer.json", count == 0 ? "is empty" : "malformed") { text in
            String(decoding: text.utf8.prefix(count), as: UTF8.self)
        }
    }

    @Test func refusesBrokenOlderFiles() throws {
        try Self.check("files", "vocab.json", "no tokenizer in") { _ in nil }
        try Self.check("files", "merges.txt", "no tokenizer in") { _ in nil }
        try Self.check("files", "vocab.json", "not a JSON object") { _ in "[]" }
        try Self.check("files", "merges.txt", "line 2 is not a pair") { _ in "#version: 0.2\na b c\n" }
        try Self.check("files", "merges.txt", "unknown") { _ in "a unknown\n" }
        try Self.check("files", "merges.txt", "empty") { _ in "" }
        try Self.check("files", "added_tokens.json", "the id of") {
            $0.replacingOccurrences(of: "582", with: #""582""#)
        }
        try Self.check("files", "added_tokens.json", "<|im_end|>") { $0.replacingOccurrences(of: "582", with: "583") }
        try Self.check("files", "tokenizer_config.json", "rstrip") {
            $0.replacingOccurrences(of: #""rstrip":false"#, with: #""rstrip":true"#)
        }
        #expect(throws: TokenizerError.self) { try Tokenizer(folder: URL(fileURLWithPath: "/nonexistent-folder")) }
    }

    /// Carriage returns before the line ends, and no configuration: ids are the same, roles come from the map of
    /// special tokens.
    @Test func readsOlderFilesOfOtherOrigin() throws {
        let text = "<|im_start|>a\u{301} word<|im_end|>"
        let expected = try Tokenizer(folder: TokenizerTests.folder("files")).encode(text)
        try Self.withChanged("files", "merges.txt", { $0.replacingOccurrences(of: "\n", with: "\r\n") }) { folder in
            try FileManager.default.removeItem(at: folder.appendingPathComponent("tokenizer_config.json"))
            let map = #"{"eos_token": {"content": "<|im_end|>"}, "additional_special_tokens": ["<|im_start|>"]}"#
            try Data(map.utf8).write(to: folder.appendingPathComponent("special_tokens_map.json"))
            let tokenizer = try Tokenizer(folder: folder)
            #expect(tokenizer.encode(text) == expected)
            #expect(tokenizer.decode(expected, skippingSpecialTokens: true) == "\u{E1} word")
            let pad = try #require(tokenizer.id(of: "<|image_pad|>"))
            #expect(tokenizer.decode([pad], skippingSpecialTokens: true) == "<|image_pad|>")
        }
    }
}
