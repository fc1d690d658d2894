import ImageCodecs

/// What files say of how they were made.
struct ResultMetadata: Sendable {
    /// The key that programs for diffusion models look for.
    static let parametersKey = "parameters"
    /// The key of this project, for the same as JSON.
    static let ownKey = "mica"

    private struct Own: Encodable {
        let model: String
        let loras: [ResultManifest.AppliedLoRA]?
        let seed: UInt64
        let caption: String?
        let parameters: ResultManifest.Parameters
    }

    /// In the form of A1111's web interface: prompt, negative prompt, one line of settings.
    let text: String
    /// The same with every parameter.
    let json: String

    init(_ manifest: ResultManifest) {
        let parameters = manifest.parameters
        var lines = [Self.line(parameters.prompt ?? "")]
        let negative = Self.line(parameters.negativePrompt ?? "")
        if !negative.isEmpty { lines.append("Negative prompt: \(negative)") }
        lines.append(
            "Steps: \(parameters.numInferenceSteps), Sampler: Euler,"
                + " CFG scale: \(Self.number(parameters.trueCFGScale)), Seed: \(manifest.seed),"
                + " Size: \(manifest.width)x\(manifest.height), Model: \(manifest.model),"
                + Self.line(manifest.loras)
                + " Layers: \(parameters.layers), Resolution: \(parameters.resolution), Version: Mica")
        text = lines.joined(separator: "\n")
        json = String(
            decoding: JSONText.bytes(
                Own(
                    model: manifest.model, loras: manifest.loras, seed: manifest.seed, caption: manifest.caption,
                    parameters: parameters)),
            as: UTF8.self)
    }

    /// For PNGs, within what a note may have.
    var texts: [PNGOptions.Text] {
        let notes = [
            PNGOptions.Text(key: Self.parametersKey, value: text), PNGOptions.Text(key: Self.ownKey, value: json),
        ]
        return notes.filter { $0.value.utf8.count <= PNGOptions.maximumTextByteCount }
    }

    /// For PSDs.
    var xmp: [UInt8] {
        let packet = XMPPacket.packet(description: text, parameters: json, tool: "Mica")
        return packet.count <= PSDOptions.maximumXMPByteCount ? packet : []
    }

    /// A prompt in one line, since lines have a meaning in this form.
    private static func line(_ text: String) -> String {
        text.split(whereSeparator: \.isNewline).joined(separator: " ").trimmingSpaces
    }

    /// ` LoRAs: "name:weight, ...",`, quoted as values with commas are in this form; nothing without any.
    private static func line(_ loras: [ResultManifest.AppliedLoRA]?) -> String {
        guard let loras, !loras.isEmpty else { return "" }
        let list = loras.map { "\($0.name):\(number($0.weight))" }.joined(separator: ", ")
        return " LoRAs: \(String(decoding: JSONText.bytes(list), as: UTF8.self)),"
    }

    /// 4 and not 4.0.
    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e9 ? "\(Int(value))" : "\(value)"
    }
}

extension String {
    /// Without spaces at either end.
    var trimmingSpaces: String {
        var rest = self[...]
        while rest.first == " " { rest.removeFirst() }
        while rest.last == " " { rest.removeLast() }
        return String(rest)
    }
}
