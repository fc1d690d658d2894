import Foundation

extension TokenizerDefinition {
    /// Reads the older layout: `vocab.json`, `merges.txt`, and what the folder has of the other files.
    init(vocabularyFile: URL, mergesFile: URL, folder: URL) throws(TokenizerError) {
        try self.init(
            vocabulary: Self.object(in: vocabularyFile), merges: Self.merges(in: mergesFile),
            addedTokens: Self.addedTokens(in: folder), vocabularyPath: vocabularyFile.path, mergesPath: mergesFile.path)
    }

    /// A line a merge; a line that begins with `#version` is none.
    private static func merges(in file: URL) throws(TokenizerError) -> [(left: [UInt8], right: [UInt8])] {
        let bytes = try [UInt8](read(file))
        var merges: [(left: [UInt8], right: [UInt8])] = []
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (number, bytes) in lines.enumerated() {
            let line = bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes
            if line.isEmpty || line.starts(with: "#version".utf8) { continue }
            guard let pair = merge(line) else {
                throw .malformed(path: file.path, detail: "line \(number + 1) is not a pair of tokens")
            }
            merges.append(pair)
        }
        return merges
    }

    /// The added tokens by `tokenizer_config.json` (`added_tokens_decoder`), which has their flags, and by
    /// `added_tokens.json`, which has ids alone: there a token is special if a role is given to it elsewhere, and is
    /// looked for in the text as given if it is special.
    /// Source: transformers 5.23, `tokenization_utils_base.py`, `_from_pretrained`.
    private static func addedTokens(in folder: URL) throws(TokenizerError) -> [AddedToken] {
        let configurationFile = folder.appendingPathComponent("tokenizer_config.json")
        let configuration = try objectIfPresent(in: configurationFile) ?? [:]
        var tokens: [Int: AddedToken] = [:]
        for (key, value) in configuration["added_tokens_decoder"] as? [String: Any] ?? [:] {
            let path = configurationFile.path
            guard let object = value as? [String: Any] else {
                throw .malformed(path: path, detail: "added_tokens_decoder.\(key) is not an object")
            }
            let id = try id(Int(key), of: object["content"] as? String ?? key, path: path)
            tokens[id] = try addedToken(object, id: id, path: path)
        }
        let addedFile = folder.appendingPathComponent("added_tokens.json")
        guard let added = try objectIfPresent(in: addedFile) else { return tokens.values.sorted { $0.id < $1.id } }
        let map = try objectIfPresent(in: folder.appendingPathComponent("special_tokens_map.json")) ?? [:]
        let specials = specialContents(in: configuration).union(specialContents(in: map))
        for (content, value) in added {
            let id = try id(value, of: content, path: addedFile.path)
            if let known = tokens[id] {
                guard known.content == content else {
                    throw .malformed(
                        path: addedFile.path,
                        detail: "the id \(id) is \"\(content)\" here, \"\(known.content)\" in tokenizer_config.json")
                }
                continue
            }
            let special = specials.contains(content)
            tokens[id] = AddedToken(id: id, content: content, special: special, normalized: !special)
        }
        return tokens.values.sorted { $0.id < $1.id }
    }

    /// The contents of the tokens that have a role, such as `eos_token`, each a string or an object with `content`.
    private static func specialContents(in object: [String: Any]) -> Set<String> {
        let roles = [
            "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
            "additional_special_tokens", "extra_special_tokens",
        ]
        var contents: Set<String> = []
        for role in roles {
            for value in object[role] as? [Any] ?? [object[role] as Any] {
                if let content = value as? String { contents.insert(content) }
                if let token = value as? [String: Any], let content = token["content"] as? String {
                    contents.insert(content)
                }
            }
        }
        return contents
    }
}
