/// Turning and mirroring by the EXIF orientation (1...8), as Pillow's `ImageOps.exif_transpose`.
enum Orientation {
    /// True for those that turn a picture by a quarter.
    static func swapsSides(_ orientation: Int) -> Bool { (5...8).contains(orientation) }

    /// The upright picture; other values than 2...8 leave it as it is.
    static func apply(_ orientation: Int, to image: PixelBuffer) -> PixelBuffer {
        guard (2...8).contains(orientation) else { return image }
        let swapsSides = swapsSides(orientation)
        let width = swapsSides ? image.height : image.width
        let height = swapsSides ? image.width : image.height
        // Where the upright picture's pixel (0, 0) lies in the file, and how far apart its neighbours are there.
        let lastColumn = image.width - 1
        let lastRow = (image.height - 1) * image.width
        let row = image.width
        let (origin, alongX, alongY): (Int, Int, Int) =
            switch orientation {
            case 2: (lastColumn, -1, row)
            case 3: (lastRow + lastColumn, -1, -row)
            case 4: (lastRow, 1, -row)
            case 5: (0, row, 1)
            case 6: (lastRow, -row, 1)
            case 7: (lastRow + lastColumn, -row, -1)
            default: (lastColumn, row, -1)
            }
        var result = [UInt8](repeating: 0, count: image.bytes.count)
        image.bytes.withUnsafeBytes { source in
            result.withUnsafeMutableBytes { target in
                let pixels = source.assumingMemoryBound(to: UInt32.self)
                let turned = target.assumingMemoryBound(to: UInt32.self)
                var place = 0
                for y in 0..<height {
                    var index = origin + y * alongY
                    for _ in 0..<width {
                        turned[place] = pixels[index]
                        place += 1
                        index += alongX
                    }
                }
            }
        }
        return PixelBuffer(uncheckedWidth: width, height: height, bytes: result)
    }
}
