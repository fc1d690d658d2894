/// The pieces of what is marked in a picture: pixels that touch are of one.
enum ConnectedPieces {
    /// What it takes of memory at most, in bytes a pixel of the picture: what is left of the marks, and a piece of all
    /// of it in an array that grew to it by doubling.
    static let bytesAPixel = 1 + 2 * MemoryLayout<Int32>.size

    /// Calls `body` with the pixels of each piece, the one that a scan by rows meets first to begin with.
    ///
    /// - Parameters:
    ///   - marks: of each pixel, row by row.
    ///   - width: of a row.
    ///   - touchesAtCorners: whether a pixel also touches the four beside its corners.
    static func forEach(
        of marks: [Bool], width: Int, touchesAtCorners: Bool, _ body: (_ pixels: [Int32]) -> Void
    ) {
        var left = marks
        let height = marks.count / width
        var piece: [Int32] = []
        for start in left.indices where left[start] {
            left[start] = false
            piece.removeAll(keepingCapacity: true)
            piece.append(Int32(start))
            var next = 0
            while next < piece.count {
                let (x, y) = (Int(piece[next]) % width, Int(piece[next]) / width)
                next += 1
                for row in max(0, y - 1)...min(height - 1, y + 1) {
                    for column in max(0, x - 1)...min(width - 1, x + 1)
                    where left[row * width + column] && (touchesAtCorners || row == y || column == x) {
                        left[row * width + column] = false
                        piece.append(Int32(row * width + column))
                    }
                }
            }
            body(piece)
        }
    }
}
