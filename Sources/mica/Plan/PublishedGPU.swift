import ArgumentParser
import QwenImage

/// Graphics cards whose speed is published, for plans on machines that do not have them.
///
/// Arithmetic is what the published times of this model's forward pass come to; memory and link are the makers'
/// figures.
enum PublishedGPU: String, CaseIterable, ExpressibleByArgument {
    case rtx3060
    case rtx4090
    case h100
    case h200

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
