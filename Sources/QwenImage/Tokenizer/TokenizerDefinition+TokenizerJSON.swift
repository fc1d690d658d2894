import Foundation

extension TokenizerDefinition {
    /// Reads the newer layout: everything in `tokenizer.json`.
    init(tokenizerFile file: URL) throws(TokenizerError) {
        let path = file.path
        let root = try Self.object(in: file)
        try Self.checkNormalizer(root["normalizer"], path: path)
        try Self.checkPreTokenizer(root["pre_tokenizer"], path: path)
        guard let model = root["model"] as? [String: Any] else {
            throw .malformed(path: path, detail: "model is missing")
        }
        try Self.checkModel(model, path: path)
        guard let vocabulary = model["vocab"] as? [String: Any] else {
            throw .malformed(path: path, detail: "model.vocab is not an object")
        }
        var addedTokens: [AddedToken] = []
        for value in root["added_tokens"] as? [Any] ?? [] {
            guard let object = value as? [String: Any] else {
                throw .malformed(path: path, detail: "added_tokens holds something else than objects")
            }
            let id = try Self.id(object["id"], of: object["content"] as? String ?? "", path: path)
            addedTokens.append(try Self.addedToken(object, id: id, path: path))
        }
        try self.init(
            vocabulary: vocabulary, merges: Self.merges(model["merges"], path: path), addedTokens: addedTokens,
            vocabularyPath: path, mergesPath: path)
    }

    /// Merges are `"left right"` in files of older versions, `["left", "right"]` in newer ones.
    private static func merges(
        _ value: Any?, path: String
    ) throws(TokenizerError) -> [(left: [UInt8], right: [UInt8])] {
        guard let values = value as? [Any] else {
            throw .malformed(path: path, detail: "model.merges is not an array")
        }
        var merges: [(left: [UInt8], right: [UInt8])] = []
        merges.reserveCapacity(values.count)
        for value in values {
            if let pair = value as? [String], pair.count == 2 {
                merges.append((Array(pair[0].utf8), Array(pair[1].utf8)))
            } else if let text = value as? String, let pair = merge(text.utf8) {
                merges.append(pair)
            } else {
                throw .malformed(path: path, detail: "merge \(merges.count) is not a pair of tokens")
            }
        }
        return merges
    }

    private static func checkModel(_ model: [String: Any], path: String) throws(TokenizerError) {
        let kind = model["type"] as? String ?? "BPE"
        guard kind == "BPE" else { throw .unsupported(path: path, component: "model.type", found: kind) }
        for flag in ["byte_fallback", "ignore_merges"] where model[flag] as? Bool == true {
            throw .unsupported(path: path, component: "model.\(flag)", found: "true")
        }
        for affix in ["continuing_subword_prefix", "end_of_word_suffix"] {
            if let text = model[affix] as? String, !text.isEmpty {
                throw .unsupported(path: path, component: "model.\(affix)", found: text)
            }
        }
        if let dropout = model["dropout"] as? Double, dropout != 0 {
            throw .unsupported(path: path, component: "model.dropout", found: "\(dropout)")
        }
    }

    /// The normaliser has to be NFC, alone or in a sequence of one.
    private static func checkNormalizer(_ value: Any?, path: String) throws(TokenizerError) {
        let normalizer = value as? [String: Any]
        var kinds = [normalizer?["type"] as? String ?? "none"]
        if kinds == ["Sequence"], let members = normalizer?["normalizers"] as? [[String: Any]] {
            kinds = members.map { $0["type"] as? String ?? "none" }
        }
        guard kinds == ["NFC"] else {
            throw .unsupported(path: path, component: "normalizer", found: kinds.joined(separator: ", "))
        }
    }

    /// The pre-tokenizer has to be a split by Qwen2's pattern and the spelling of bytes.
    private static func checkPreTokenizer(_ value: Any?, path: String) throws(TokenizerError) {
        let root = value as? [String: Any]
        guard let members = root?["pretokenizers"] as? [[String: Any]], members.count == 2,
            members[0]["type"] as? String == "Split", members[1]["type"] as? String == "ByteLevel"
        else {
            throw .unsupported(path: path, component: "pre_tokenizer", found: root?["type"] as? String ?? "none")
        }
        let pattern = (members[0]["pattern"] as? [String: Any])?["Regex"] as? String ?? "none"
        guard pattern == PreTokenizer.pattern else {
            throw .unsupported(path: path, component: "pre_tokenizer.pattern", found: pattern)
        }
        let behavior = members[0]["behavior"] as? String ?? "none"
        guard behavior == "Isolated", members[0]["invert"] as? Bool != true else {
            throw .unsupported(path: path, component: "pre_tokenizer.behavior", found: behavior)
        }
        for flag in ["add_prefix_space", "use_regex"] where members[1][flag] as? Bool != false {
            throw .unsupported(path: path, component: "pre_tokenizer.\(flag)", found: "true")
        }
    }
}
