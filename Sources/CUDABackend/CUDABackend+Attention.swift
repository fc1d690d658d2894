import CCUDA
import TensorCore

extension CUDABackend {
    /// Rows of queries of a tile: of the kernel with a warp a query, and of the one on the matrix units.
    private static let rowsTile = 16
    private static let flashTile = 128
    /// Head sizes that the kernel on the matrix units is compiled for.
    private static let flashSizes: Set<Int> = [16, 64, 80, 128]
    /// With fewer queries most of a tile would be empty.
    private static let fewQueries = 16
    /// Elements of a head that the kernel with a warp a query has registers for.
    private static let largestHead = 512

    func attention(
        _ query: Tensor, _ key: Tensor, _ value: Tensor, _ layout: AttentionLayout, _ output: Tensor
    ) throws(TensorError) {
        // A model's folder says how large they are.
        guard layout.headSize <= Self.largestHead else {
            throw .headTooLarge(device: name, size: layout.headSize, limit: Self.largestHead)
        }
        let target = try target(output, reading: query, key, value)
        guard output.elementCount > 0 else { return }
        let usesMatrixUnits =
            options.precision == .bfloat16 && Self.flashSizes.contains(layout.headSize)
            && query.shape[0] >= Self.fewQueries
        guard usesMatrixUnits else { return try rowsAttention(query, key, value, layout, target) }
        let operands = (try aligned(query), try aligned(key), try aligned(value))
        if layout.mask == .none, try libraryAttention(query, key, operands, layout, target) { return }
        try flashAttention(query.shape[0], key.shape[0], operands, layout, target)
    }

    /// Attention by cuDNN; false if it has no plan for the shape.
    private func libraryAttention(
        _ query: Tensor, _ key: Tensor, _ operands: (View, View, View), _ layout: AttentionLayout, _ target: View
    ) throws(TensorError) -> Bool {
        guard let attentionPlans else { return false }
        let key = AttentionPlans.Key(
            queries: query.shape[0], keys: key.shape[0], heads: layout.heads, keyHeads: layout.keyHeads,
            headSize: layout.headSize)
        guard let plan = try attentionPlans.plan(key) else { return false }
        // It writes bfloat16 to an aligned address; anything else is converted.
        let isDirect = target.elements == .bfloat16 && target.isAligned
        let result =
            isDirect
            ? target
            : View(
                address: try scratch(query.elementCount, .bfloat16, operation: "attention").address,
                elements: .bfloat16)
        let workspace = try scratch(plan.workspaceBytes / 2 + 1, .bfloat16, operation: "attention")
        if holdsData {
            try attentionPlans.run(
                plan, query: operands.0.address, key: operands.1.address, value: operands.2.address,
                output: result.address, scale: layout.scale, workspace: workspace.address)
        }
        if !isDirect { try convert(result, to: target, count: query.elementCount) }
        return true
    }

    private func flashAttention(
        _ queries: Int, _ keys: Int, _ operands: (View, View, View), _ layout: AttentionLayout, _ target: View
    ) throws(TensorError) {
        let (tiles, count) = try tiles(queries, layout.mask, rows: Self.flashTile)
        // Two blocks of 64 keys and values, rows padded by eight elements.
        let sharedBytes = 2 * 2 * 64 * (layout.headSize + 8) * 2
        try launch(
            .attention, "attention_flash_\(layout.headSize)",
            LaunchShape(grid: (count, layout.heads), block: (256, 1), sharedBytes: sharedBytes), operands.0.address,
            operands.1.address, operands.2.address, target, tiles, Int32(queries), Int32(keys), Int32(layout.heads),
            Int32(layout.keyHeads), layout.scale, layout.causalOffset)
    }

    private func rowsAttention(
        _ query: Tensor, _ key: Tensor, _ value: Tensor, _ layout: AttentionLayout, _ target: View
    ) throws(TensorError) {
        let (q, k, v) = (try view(query), try view(key), try view(value))
        let (tiles, count) = try tiles(query.shape[0], layout.mask, rows: Self.rowsTile)
        let slices = layout.headSize <= 128 ? 4 : 16
        let vector = vectorWidth(layout.headSize, k)
        try launch(
            .attention, "attention_rows_\(slices)_\(vector)",
            LaunchShape(grid: (count, layout.heads), block: (32, 4)), q, k, v, target, tiles, Int32(Self.rowsTile),
            Int32(query.shape[0]), Int32(key.shape[0]), Int32(layout.heads), Int32(layout.keyHeads),
            Int32(layout.headSize), layout.scale, layout.causalOffset)
    }

    /// Address and number of the tiles of a mask; without segments the kernels count them themselves, from 0.
    private func tiles(
        _ queries: Int, _ mask: AttentionLayout.Mask, rows: Int
    ) throws(TensorError) -> (MicaDeviceAddress, Int) {
        guard case .segments(let boundaries) = mask else { return (0, (queries + rows - 1) / rows) }
        var list: [Int32] = []
        for (start, end) in zip(boundaries, boundaries.dropFirst()) {
            for first in stride(from: start, to: end, by: rows) {
                list += [Int32(first), Int32(min(first + rows, end)), Int32(start), Int32(end)]
            }
        }
        if let segmentTiles, segmentTiles.boundaries == boundaries, segmentTiles.rows == rows {
            return (segmentTiles.tiles.address, list.count / 4)
        }
        let tiles = try CUDAStorage(list.count * 4, pool: pool, operation: "attention")
        try upload(list, to: tiles)
        segmentTiles = (boundaries, rows, tiles)
        return (tiles.address, list.count / 4)
    }

    /// In bfloat16 and from an address that 16 bytes divide, as the matrix units are fed.
    private func aligned(_ tensor: Tensor) throws(TensorError) -> View {
        let view = try view(tensor)
        if view.elements == .bfloat16, view.isAligned { return view }
        let copy = try scratch(tensor.elementCount, .bfloat16, operation: "attention")
        let target = View(address: copy.address, elements: .bfloat16)
        try convert(view, to: target, count: tensor.elementCount)
        return target
    }
}

extension AttentionLayout {
    /// How many keys a query sees beside those before it; -1 where no key is hidden for its place.
    fileprivate var causalOffset: Int32 {
        if case .causal(let offset) = mask { return Int32(offset) }
        return -1
    }
}
