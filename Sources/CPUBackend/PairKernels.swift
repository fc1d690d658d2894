import CKernels

/// With what instructions products of 16-bit integers are made; their operands are packed alike.
package enum PairKernels: Sendable {
    /// AVX2 alone.
    case avx2
    /// AVX-512 with VNNI, see `products_vnni.c`.
    case vnni

    /// What a backend with `instructions` may use of this CPU.
    package init(_ instructions: HostInstructions) {
        self = instructions == .avx512 && mica_has_s8_products() == 1 ? .vnni : .avx2
    }

    /// Groups times a panel, or `+=` it, see `mica_product_pairs`.
    func multiply(
        _ groups: mica_pairs, _ count: Int, _ panel: mica_pairs, units: Int, _ sums: UnsafeMutablePointer<Int32>,
        adds: Bool
    ) {
        switch self {
        case .avx2: mica_product_pairs(groups, count, panel, units, sums, adds ? 1 : 0)
        case .vnni: mica_product_pairs_vnni(groups, count, panel, units, sums, adds ? 1 : 0)
        }
    }

    /// The same of integers with scales, see `mica_product_scaled_pairs`.
    func multiplyScaled(
        _ groups: mica_pairs, _ count: Int, _ panel: mica_pairs, units: Int, _ sums: UnsafeMutablePointer<Float>,
        adds: Bool
    ) {
        switch self {
        case .avx2: mica_product_scaled_pairs(groups, count, panel, units, sums, adds ? 1 : 0)
        case .vnni: mica_product_scaled_pairs_vnni(groups, count, panel, units, sums, adds ? 1 : 0)
        }
    }

    /// A part of Strassen's scheme, see `mica_strassen_part`.
    func multiplyPart(
        _ part: Int, _ groups: mica_pairs, rows: Int, _ panel: mica_pairs, units: Int,
        _ sums: UnsafeMutablePointer<Int32>, panelStride: Int, adds: Bool
    ) {
        let part = Int32(part)
        switch self {
        case .avx2: mica_strassen_part(part, groups, rows, panel, units, sums, panelStride, adds ? 1 : 0)
        case .vnni: mica_strassen_part_vnni(part, groups, rows, panel, units, sums, panelStride, adds ? 1 : 0)
        }
    }
}
