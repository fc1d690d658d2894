import TensorCore

/// Tiles that overlap, so that the autoencoder's memory does not grow with the picture: each is encoded or decoded
/// alone, and the seams are blended.
///
/// The result is the reference's with `enable_tiling`, which is near that without tiles but not equal to it.
/// Source: diffusers `autoencoder_kl_qwenimage.py`, `tiled_encode`, `tiled_decode`, `blend_v`, `blend_h`.
public struct AutoencoderTiling: Sendable, Hashable {
    /// Side of a tile and the distance from one to the next, in pixels.
    public let tile: Int
    public let stride: Int

    /// The reference's sizes.
    public static let reference = AutoencoderTiling(tile: 256, stride: 192)

    /// Tiles of our own making: the stride is at most the tile, both multiples of what a latent cell stands for.
    public init(tile: Int, stride: Int) {
        precondition(stride > 0 && stride <= tile, "tiles of \(tile) pixels every \(stride)")
        self.tile = tile
        self.stride = stride
    }

    /// True if a picture is larger than one tile; a smaller one is taken whole.
    public func applies(width: Int, height: Int) -> Bool { width > tile || height > tile }

    /// Runs `body` on every tile of `input` [h, w, C] and blends the results.
    ///
    /// - Parameters:
    ///   - cell: pixels that a cell of the input has by side: 1 for a picture, 8 for a latent.
    ///   - resultCell: the same for the result.
    ///   - backend: of the input; blending is done on the host, where the results are needed anyway.
    ///   - body: [h, w, C] of a tile to its result.
    /// - Returns: the result of the whole input on the backend.
    func run(
        _ input: Tensor, cell: Int, resultCell: Int, on backend: any Backend,
        _ body: (Tensor) throws(TensorError) -> Tensor
    ) throws(TensorError) -> Tensor {
        let (height, width) = (input.shape[0], input.shape[1])
        var mosaic = TileMosaicOnHost(
            height: height * cell / resultCell, width: width * cell / resultCell, stride: stride / resultCell,
            blend: (tile - stride) / resultCell, backend: backend)
        let step = stride / cell
        for (row, top) in Swift.stride(from: 0, to: height, by: step).enumerated() {
            let rows = input.rows(top..<min(top + tile / cell, height))
            // Columns of a tile lie apart in memory: cut where they are rows.
            let columns = try backend.permute(rows, [1, 0, 2])
            for (column, left) in Swift.stride(from: 0, to: width, by: step).enumerated() {
                let part = try backend.permute(columns.rows(left..<min(left + tile / cell, width)), [1, 0, 2])
                try mosaic.add(try body(part), row: row, column: column)
            }
        }
        return try mosaic.upload()
    }
}

/// A mosaic whose tiles come from a backend and that goes back there in the end. On a backend without data there is
/// none, only the count of its bytes.
private struct TileMosaicOnHost {
    let height: Int
    let width: Int
    let stride: Int
    let blend: Int
    let backend: any Backend
    private var mosaic: TileMosaic?
    private let arrays: HostArrayCount
    private var channels = 0
    /// Bytes of the tiles of the row above and of this row, which are kept.
    private var rowBytes = (above: 0, current: 0)
    private var row = 0

    init(height: Int, width: Int, stride: Int, blend: Int, backend: any Backend) {
        self.height = height
        self.width = width
        self.stride = stride
        self.blend = blend
        self.backend = backend
        arrays = HostArrayCount(on: backend)
    }

    private var byteCount: Int { height * width * channels * DType.float32.byteCount }

    /// Takes the next tile's result, [h, w, C], in the order of reading.
    mutating func add(_ tile: Tensor, row: Int, column: Int) throws(TensorError) {
        count(tile, row: row)
        guard backend.holdsData else { return }
        let values = HostTile(values: try backend.download(tile), height: tile.shape[0], width: tile.shape[1])
        // Taken out and put back, so that its array is changed in place.
        var started =
            mosaic ?? TileMosaic(height: height, width: width, channels: channels, stride: stride, blend: blend)
        mosaic = nil
        started.add(values, row: row, column: column)
        mosaic = started
    }

    private mutating func count(_ tile: Tensor, row: Int) {
        if channels == 0 {
            channels = tile.shape[2]
            arrays.hold(byteCount)
        }
        if row > self.row {
            arrays.release(rowBytes.above)
            rowBytes = (above: rowBytes.current, current: 0)
            self.row = row
        }
        arrays.hold(tile.byteCount)
        rowBytes.current += tile.byteCount
    }

    /// The whole on the backend.
    mutating func upload() throws(TensorError) -> Tensor {
        precondition(channels > 0, "a picture without pixels")
        // Uploading counts the array that it is given.
        arrays.release(byteCount + rowBytes.above + rowBytes.current)
        let values = mosaic?.values ?? []
        mosaic = nil
        return try backend.upload([height, width, channels]) { values }
    }
}

/// One tile's result on the host, [height, width, channels] row-major.
struct HostTile {
    var values: [Float]
    let height: Int
    let width: Int
}

/// Puts tiles together, each blended with the one above and then with the one to its left, which were blended before.
struct TileMosaic {
    let height: Int
    let width: Int
    let channels: Int
    private let stride: Int
    private let blend: Int
    private(set) var values: [Float]
    /// The tiles of the row above, and of this row so far, as they are after blending.
    private var above: [HostTile] = []
    private var current: [HostTile] = []
    private var currentRow = 0

    init(height: Int, width: Int, channels: Int, stride: Int, blend: Int) {
        self.height = height
        self.width = width
        self.channels = channels
        self.stride = stride
        self.blend = blend
        values = [Float](repeating: 0, count: height * width * channels)
    }

    /// Takes the next tile, in the order of reading.
    mutating func add(_ tile: HostTile, row: Int, column: Int) {
        if row > currentRow {
            above = current
            current = []
            currentRow = row
        }
        var tile = tile
        if row > 0 { blendDown(above[column], into: &tile) }
        if column > 0 { blendAcross(current[column - 1], into: &tile) }
        place(tile, row: row, column: column)
        current.append(tile)
    }

    private func blendDown(_ upper: HostTile, into tile: inout HostTile) {
        let extent = min(upper.height, tile.height, blend)
        let line = tile.width * channels
        for y in 0..<extent {
            let (old, new) = Self.weights(y, extent)
            let from = (upper.height - extent + y) * line
            for index in 0..<line {
                tile.values[y * line + index] = upper.values[from + index] * old + tile.values[y * line + index] * new
            }
        }
    }

    private func blendAcross(_ left: HostTile, into tile: inout HostTile) {
        let extent = min(left.width, tile.width, blend)
        for x in 0..<extent {
            let (old, new) = Self.weights(x, extent)
            for y in 0..<tile.height {
                let from = (y * left.width + left.width - extent + x) * channels
                let to = (y * tile.width + x) * channels
                for channel in 0..<channels {
                    tile.values[to + channel] = left.values[from + channel] * old + tile.values[to + channel] * new
                }
            }
        }
    }

    /// Computed in double precision and rounded once, as Python's scalars are.
    private static func weights(_ index: Int, _ extent: Int) -> (old: Float, new: Float) {
        let share = Double(index) / Double(extent)
        return (Float(1 - share), Float(share))
    }

    /// What lies within the stride is final.
    private mutating func place(_ tile: HostTile, row: Int, column: Int) {
        let (top, left) = (row * stride, column * stride)
        let count = min(stride, tile.width, width - left) * channels
        for y in 0..<min(stride, tile.height, height - top) {
            let from = y * tile.width * channels
            let to = ((top + y) * width + left) * channels
            values.replaceSubrange(to..<(to + count), with: tile.values[from..<(from + count)])
        }
    }
}
