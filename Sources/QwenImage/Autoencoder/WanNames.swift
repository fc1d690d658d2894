/// The names of a VAE as Wan's code and single files for ComfyUI have them, and what the public layout calls the same.
///
/// The encoder's levels are one list in both; the decoder's list is cut into levels of `residualBlocks + 1` residual
/// blocks and an upsampler.
struct WanNames {
    /// A tensor that only this layout has.
    static let sign = "decoder.conv1.weight"

    /// `num_res_blocks` of the configuration.
    let residualBlocks: Int

    private static let residualParts = ["0": "norm1", "2": "conv1", "3": "norm2", "6": "conv2"]
    private static let headParts = ["0": "norm_out", "2": "conv_out"]
    private static let roots = ["conv1": "quant_conv", "conv2": "post_quant_conv"]

    /// The public name of a tensor; nil if there is none.
    func publicName(_ name: String) -> String? {
        var parts = name.split(separator: ".", omittingEmptySubsequences: false)[...]
        guard let parameter = parts.popLast(), let root = parts.popFirst() else { return nil }
        if let convolution = Self.roots[String(root)] {
            return parts.isEmpty ? "\(convolution).\(parameter)" : nil
        }
        guard root == "encoder" || root == "decoder", let place = parts.popFirst() else { return nil }
        guard let module = module(String(place), parts.map(String.init)) else { return nil }
        return "\(root).\(module).\(parameter)"
    }

    private func module(_ place: String, _ rest: [String]) -> String? {
        switch place {
        case "conv1": rest.isEmpty ? "conv_in" : nil
        case "head": rest.count == 1 ? Self.headParts[rest[0]] : nil
        case "middle": middle(rest)
        case "downsamples":
            level(rest).flatMap { index, inside in part(inside).map { "down_blocks.\(index).\($0)" } }
        case "upsamples": level(rest).flatMap(upsample)
        default: nil
        }
    }

    private func middle(_ rest: [String]) -> String? {
        guard let (index, inside) = level(rest) else { return nil }
        switch index {
        case 0, 2: return part(inside).map { "mid_block.resnets.\(index / 2).\($0)" }
        case 1: return inside.count == 1 ? "mid_block.attentions.0.\(inside[0])" : nil
        default: return nil
        }
    }

    private func upsample(_ index: Int, _ inside: [String]) -> String? {
        guard let part = part(inside) else { return nil }
        let (level, position) = index.quotientAndRemainder(dividingBy: residualBlocks + 2)
        return position <= residualBlocks
            ? "up_blocks.\(level).resnets.\(position).\(part)" : "up_blocks.\(level).upsamplers.0.\(part)"
    }

    /// What follows an index: a residual block's part, or a resampler's, which has its name in both layouts.
    private func part(_ inside: [String]) -> String? {
        switch inside.first {
        case "residual": inside.count == 2 ? Self.residualParts[inside[1]] : nil
        case "shortcut": inside.count == 1 ? "conv_shortcut" : nil
        case "resample", "time_conv": inside.joined(separator: ".")
        default: nil
        }
    }

    private func level(_ rest: [String]) -> (index: Int, inside: [String])? {
        guard let first = rest.first, let index = Int(first), index >= 0 else { return nil }
        return (index, Array(rest.dropFirst()))
    }
}
