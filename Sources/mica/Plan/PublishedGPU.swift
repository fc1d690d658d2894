import ArgumentParser
import QwenImage

/// Graphics cards whose speed is published, for plans on machines that do not have them.
///
/// Arithmetic is what the published times of this model's forward pass come to; memory and link are the makers'
/// figures. What a card holds is what its driver has to give.
enum PublishedGPU: String, CaseIterable, ExpressibleByArgument {
    case rtx3060
    case rtx4090
    case h100
    case h200

    /// As people write it.
    var title: String {
        switch self {
        case .rtx3060: "RTX 3060"
        case .rtx4090: "RTX 4090"
        case .h100: "H100"
        case .h200: "H200"
        }
    }

    /// What a GPU stands for if nobody says.
    static let usual = Self.rtx4090

    /// Bytes that the driver has for all programs together, as `nvidia-smi` shows them.
    var memoryBytes: Int {
        switch self {
        case .rtx3060: 12_288 << 20
        case .rtx4090: 24_564 << 20
        case .h100: 81_559 << 20
        case .h200: 143_771 << 20
        }
    }

    /// Words that make another card of a name: `RTX 4090 Laptop GPU`, `RTX 3060 Ti`, `RTX 4090 D`.
    private static let otherCards: Set<Substring> = ["laptop", "mobile", "max", "ti", "super", "d"]

    /// The card of that name, such as `NVIDIA GeForce RTX 4090`; nil if its speed is not known.
    init?(model: String) {
        let words = model.lowercased().split { " -".contains($0) }
        guard Self.otherCards.isDisjoint(with: words),
            let card = Self.allCases.first(where: { card in
                words.contains(Substring(card.rawValue.replacing("rtx", with: "")))
            })
        else { return nil }
        self = card
    }

    /// Rates in bfloat16.
    var rates: DeviceRates {
        let (operations, memory, link): (Double, Double, Double) =
            switch self {
            case .rtx3060: (22.7e12, 360e9, 25e9)
            case .rtx4090: (150e12, 1008e9, 25e9)
            case .h100: (613e12, 3350e9, 52e9)
            case .h200: (683e12, 4800e9, 52e9)
            }
        return DeviceRates(
            productOperations: operations, attentionOperations: operations, convolutionOperations: operations / 4,
            memoryBytes: memory, storageBytes: 3e9, linkBytes: link, operationSeconds: 5e-6, source: "published")
    }
}
