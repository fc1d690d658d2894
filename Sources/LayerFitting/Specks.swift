/// Small pieces of a layer that lie apart from the rest of it.
enum Specks {
    /// The pixels of every piece that covers less than `area` pixels, by the sum of its alpha.
    ///
    /// Pixels up to three apart are of one piece, so that the dot of an i belongs to its stem.
    static func pixels(of bytes: [UInt8], width: Int, below area: Double) -> [Int] {
        let height = bytes.count / 4 / width
        var isNear = [Bool](repeating: false, count: width * height)
        for y in 0..<height {
            for x in 0..<width where bytes[(y * width + x) * 4 + 3] != 0 {
                for near in max(0, y - 1)...min(height - 1, y + 1) {
                    for place in max(0, x - 1)...min(width - 1, x + 1) { isNear[near * width + place] = true }
                }
            }
        }
        var found: [Int] = []
        ConnectedPieces.forEach(of: isNear, width: width, touchesAtCorners: true) { piece in
            let covered = piece.lazy.map { Int($0) }.filter { bytes[$0 * 4 + 3] != 0 }
            let sum = covered.reduce(0.0) { $0 + Double(bytes[$1 * 4 + 3]) / 255 }
            if sum < area { found += covered }
        }
        return found
    }
}
