import Foundation

/// A picture of all layers side by side on a checkerboard, for looking at in a terminal or a chat.
public enum ContactSheet {
    /// The longest side of a cell's picture.
    private static let cellSide = 320
    private static let gap = 16
    private static let checkSide = 8
    private static let textScale = 2
    private static let labelLines = 2
    private static let lineHeight = (PixelFont.height + 3) * textScale
    /// The most layers that are shown.
    private static let maximumCells = 120
    /// About how many bytes of layers may be there at once, each of which is on its whole canvas.
    private static let canvasBytes = 512 << 20

    private static let paper: [UInt8] = [32, 33, 36, 255]
    private static let ink: [UInt8] = [240, 240, 240, 255]
    private static let faintInk: [UInt8] = [160, 163, 168, 255]
    private static let checks: [[UInt8]] = [[204, 204, 204, 255], [255, 255, 255, 255]]

    /// The sheet as a PNG with these notes. Throws as `draw` and `PNGEncoder` do.
    public static func png(_ tree: LayerTree, texts: [PNGOptions.Text] = []) throws(ImageError) -> [UInt8] {
        try PNGEncoder.encode(draw(tree), options: PNGOptions(colorType: .rgb, texts: texts))
    }

    /// Draws the flat picture first, then the layers, bottom first, each where it is on the canvas.
    ///
    /// Throws `ImageError` if there is no memory for it.
    public static func draw(_ tree: LayerTree) throws(ImageError) -> PixelBuffer {
        let layers = Array(tree.layers.prefix(maximumCells - 1))
        var cells = [try cell(Composite.flatten(tree), title: "all", detail: "\(tree.width) x \(tree.height)")]
        for first in stride(from: 0, to: layers.count, by: layersAtOnce(tree)) {
            let some = Array(first..<min(first + layersAtOnce(tree), layers.count))
            cells += try Parallel.map(some) { (index) throws(ImageError) in
                try cell(
                    layers[index].onCanvas(width: tree.width, height: tree.height),
                    title: "\(index + 1) \(layers[index].name)", detail: detail(layers[index]))
            }
        }
        let wide = cells[0].picture.width
        let tall = cells[0].picture.height
        let columns = columns(cells.count, wide, tall)
        let rows = (cells.count + columns - 1) / columns
        // A narrow picture still has room for its label.
        let cellWidth = max(wide, minimumLabelWidth)
        let cellHeight = tall + labelLines * lineHeight + gap / 2
        var sheet = Canvas(
            width: gap + columns * (cellWidth + gap), height: gap + rows * (cellHeight + gap), color: paper)
        for (index, cell) in cells.enumerated() {
            let x = gap + index % columns * (cellWidth + gap)
            let y = gap + index / columns * (cellHeight + gap)
            sheet.put(cell.picture, x: x, y: y, checkSide: checkSide, checks: checks)
            let text = y + tall + gap / 2
            sheet.write(cell.title, x: x, y: text, scale: textScale, color: ink, width: cellWidth)
            sheet.write(cell.detail, x: x, y: text + lineHeight, scale: textScale, color: faintInk, width: cellWidth)
        }
        return PixelBuffer(uncheckedWidth: sheet.width, height: sheet.height, bytes: sheet.bytes)
    }

    /// As many as their limit lets be, at least one.
    package static func layersAtOnce(_ tree: LayerTree) -> Int {
        max(1, canvasBytes / (tree.width * tree.height * PixelBuffer.channels))
    }

    private static let minimumLabelWidth = 18 * PixelFont.advance * textScale

    private struct Cell: Sendable {
        let picture: PixelBuffer
        let title: String
        let detail: String
    }

    private static func cell(_ pixels: PixelBuffer, title: String, detail: String) throws(ImageError) -> Cell {
        Cell(picture: try pixels.fitted(within: cellSide), title: latin(title), detail: detail)
    }

    /// Size and place of what is visible, and what is unusual about the layer.
    private static func detail(_ layer: ImageLayer) -> String {
        guard let box = layer.visibleBox else { return "empty" }
        var text = "\(box.width)x\(box.height)+\(box.x)+\(box.y)"
        if !layer.isVisible { text += " hidden" }
        if layer.opacity < 255 { text += " \((Int(layer.opacity) * 100 + 127) / 255)%" }
        return text
    }

    /// About as wide as it is tall, a little wider rather.
    private static func columns(_ count: Int, _ wide: Int, _ tall: Int) -> Int {
        let cell = (Double(max(wide, minimumLabelWidth)), Double(tall + labelLines * lineHeight))
        let best = (1...count).min { first, second in
            func badness(_ columns: Int) -> Double {
                let rows = Double((count + columns - 1) / columns)
                let ratio = Double(columns) * cell.0 / (rows * cell.1)
                return abs(log(ratio / 1.4)) + 0.8 * (rows * Double(columns) - Double(count)) / Double(count)
            }
            return badness(first) < badness(second)
        }
        return best ?? 1
    }

    /// The text in letters that the font has: transliterated, without accents.
    private static func latin(_ text: String) -> String {
        let plain = text.applyingTransform(.toLatin, reverse: false) ?? text
        return plain.applyingTransform(.stripDiacritics, reverse: false) ?? plain
    }
}

/// Opaque pixels to draw on.
private struct Canvas {
    let width: Int
    let height: Int
    private(set) var bytes: [UInt8]

    init(width: Int, height: Int, color: [UInt8]) {
        self.width = width
        self.height = height
        bytes = []
        bytes.reserveCapacity(width * height * 4)
        for _ in 0..<width * height { bytes += color }
    }

    /// A picture on a checkerboard; it lies within the canvas.
    mutating func put(_ picture: PixelBuffer, x: Int, y: Int, checkSide: Int, checks: [[UInt8]]) {
        for row in 0..<picture.height {
            for column in 0..<picture.width {
                let check = checks[(row / checkSide + column / checkSide) % 2]
                let source = (row * picture.width + column) * 4
                let target = ((y + row) * width + x + column) * 4
                let alpha = Int(picture.bytes[source + 3])
                for channel in 0..<3 {
                    let sum = Int(picture.bytes[source + channel]) * alpha + Int(check[channel]) * (255 - alpha)
                    bytes[target + channel] = UInt8((sum + 127) / 255)
                }
            }
        }
    }

    /// A line of text, cut with two dots where it would be wider than `limit`.
    mutating func write(_ text: String, x: Int, y: Int, scale: Int, color: [UInt8], width limit: Int) {
        let room = limit / (PixelFont.advance * scale)
        var characters = text.unicodeScalars.map { $0.isASCII ? UInt8($0.value) : 0 }
        if characters.count > room { characters = characters.prefix(max(0, room - 2)) + [0x2E, 0x2E] }
        for (index, character) in characters.enumerated() {
            for (row, bits) in PixelFont.rows(of: character).enumerated() {
                for column in 0..<PixelFont.width where bits & (16 >> UInt8(column)) != 0 {
                    let left = x + (index * PixelFont.advance + column) * scale
                    fill(left, y + row * scale, scale, color)
                }
            }
        }
    }

    private mutating func fill(_ x: Int, _ y: Int, _ side: Int, _ color: [UInt8]) {
        for row in y..<min(y + side, height) {
            for column in x..<min(x + side, width) {
                bytes.replaceSubrange((row * width + column) * 4..<(row * width + column + 1) * 4, with: color)
            }
        }
    }
}
