import Foundation

/// What tells a processor's model from others.
enum ProcessorName {
    /// The fields that a 64-bit ARM core has in place of a name: whose it is, which, and in what revision.
    private static let partsOfARM = ["CPU implementer", "CPU part", "CPU variant", "CPU revision"]

    /// The name in the text of `/proc/cpuinfo`, of the first core that it lists; nil if it says nothing of the kind.
    static func found(in text: String) -> String? {
        func field(_ name: String) -> String? {
            text.split(separator: "\n").lazy.map { $0.split(separator: ":", maxSplits: 1) }
                .first { $0.count == 2 && $0[0].trimmingCharacters(in: .whitespaces) == name }
                .map { $0[1].trimmingCharacters(in: .whitespaces) }
        }
        if let name = field("model name") { return name }
        let parts = partsOfARM.compactMap(field)
        return parts.isEmpty ? nil : "ARM " + parts.joined(separator: " ")
    }
}
