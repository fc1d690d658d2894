/// Which passes a resize needs and in which order.
struct ResamplePlan {
    let inputWidth: Int
    let inputHeight: Int
    let width: Int
    let height: Int
    let filter: ResampleFilter

    /// Pillow 13 runs the vertical pass first when it takes away more than twice as many rows as columns go; torch
    /// never does. The order shows in the result, since each pass rounds.
    ///
    /// Source: Pillow 13.0.0 `ImagingResampleInner`. (Until Pillow 12 the horizontal pass was first but for pictures
    /// over 100 times as tall as wide.)
    private var isVerticalFirst: Bool {
        let rowsTaken = inputHeight - height
        return filter != .torchAntialiasedBicubic && rowsTaken > 0 && rowsTaken > 2 * (inputWidth - width)
    }

    /// The resized pixels; premultiplied if `premultiplies` says so (then `channels` is 4).
    func run(_ bytes: [UInt8], channels: Int, premultiplies: Bool) -> [UInt8] {
        let isWidthKept = width == inputWidth
        let isHeightKept = height == inputHeight
        if isWidthKept {
            return vertical(bytes, width: width, channels: channels, premultiplies: premultiplies)
        }
        if isHeightKept {
            return horizontal(bytes, rows: height, channels: channels, premultiplies: premultiplies)
        }
        if isVerticalFirst {
            let between = vertical(bytes, width: inputWidth, channels: channels, premultiplies: premultiplies)
            return horizontal(between, rows: height, channels: channels, premultiplies: false)
        }
        let between = horizontal(bytes, rows: inputHeight, channels: channels, premultiplies: premultiplies)
        return vertical(between, width: width, channels: channels, premultiplies: false)
    }

    private func horizontal(_ bytes: [UInt8], rows: Int, channels: Int, premultiplies: Bool) -> [UInt8] {
        let axis = ResampleWeights(inputSize: inputWidth, outputSize: width, filter: filter)
        let pass = ResamplePass(axis: axis, channels: channels)
        let inputRow = inputWidth * channels
        let outputRow = width * channels
        var result = [UInt8](repeating: 0, count: rows * outputRow)
        bytes.withUnsafeBufferPointer { source in
            result.withUnsafeMutableBufferPointer { target in
                guard let input = source.baseAddress, let output = target.baseAddress else { return }
                var premultiplied = PremultipliedRows(source: input, rowBytes: inputRow, kept: 1)
                for row in 0..<rows {
                    let sourceRow = premultiplies ? premultiplied.row(row) : input + row * inputRow
                    pass.horizontal(from: sourceRow, to: output + row * outputRow)
                }
            }
        }
        return result
    }

    private func vertical(_ bytes: [UInt8], width: Int, channels: Int, premultiplies: Bool) -> [UInt8] {
        let axis = ResampleWeights(inputSize: inputHeight, outputSize: height, filter: filter)
        let pass = ResamplePass(axis: axis, channels: channels)
        let rowBytes = width * channels
        var result = [UInt8](repeating: 0, count: height * rowBytes)
        var sums = [Int32](repeating: 0, count: rowBytes)
        bytes.withUnsafeBufferPointer { source in
            result.withUnsafeMutableBufferPointer { target in
                sums.withUnsafeMutableBufferPointer { sums in
                    guard let input = source.baseAddress, let output = target.baseAddress,
                        let sumBase = sums.baseAddress
                    else { return }
                    let kept = premultiplies ? axis.stride : 1
                    var premultiplied = PremultipliedRows(source: input, rowBytes: rowBytes, kept: kept)
                    for place in 0..<height {
                        pass.vertical(
                            place: place, valueCount: rowBytes, sums: sumBase, target: output + place * rowBytes
                        ) { row in
                            premultiplies ? premultiplied.row(row) : input + row * rowBytes
                        }
                    }
                }
            }
        }
        return result
    }
}
