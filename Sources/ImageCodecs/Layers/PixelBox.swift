/// A rectangle of pixels; `right` and `bottom` are just outside.
struct PixelBox: Equatable {
    var left: Int
    var top: Int
    var right: Int
    var bottom: Int

    var width: Int { right - left }
    var height: Int { bottom - top }

    /// The smallest box around every pixel whose alpha is not 0, nil if there is none.
    init?(ofVisiblePixelsIn image: PixelBuffer) {
        var box = PixelBox(left: image.width, top: image.height, right: 0, bottom: 0)
        image.bytes.withUnsafeBufferPointer { bytes in
            for y in 0..<image.height {
                let rowStart = y * image.width * 4 + 3
                guard let first = (0..<image.width).first(where: { bytes[rowStart + $0 * 4] != 0 }) else { continue }
                var last = image.width - 1
                while bytes[rowStart + last * 4] == 0 { last -= 1 }
                box.left = min(box.left, first)
                box.right = max(box.right, last + 1)
                box.top = min(box.top, y)
                box.bottom = y + 1
            }
        }
        guard box.right > 0 else { return nil }
        self = box
    }

    init(left: Int, top: Int, right: Int, bottom: Int) {
        self.left = left
        self.top = top
        self.right = right
        self.bottom = bottom
    }

    /// The smallest box around all of them, nil without any.
    init?(around boxes: [PixelBox]) {
        guard let first = boxes.first else { return nil }
        self = boxes.dropFirst().reduce(first) { sum, box in
            PixelBox(
                left: min(sum.left, box.left), top: min(sum.top, box.top), right: max(sum.right, box.right),
                bottom: max(sum.bottom, box.bottom))
        }
    }

    /// The part inside another; `right` or `bottom` is not beyond `left` or `top` if there is none.
    func clamped(to other: PixelBox) -> PixelBox {
        PixelBox(
            left: max(left, other.left), top: max(top, other.top), right: min(right, other.right),
            bottom: min(bottom, other.bottom))
    }

    /// The box elsewhere.
    func moved(x: Int, y: Int) -> PixelBox {
        PixelBox(left: left + x, top: top + y, right: right + x, bottom: bottom + y)
    }
}

extension PixelBuffer {
    /// The pixels inside a box that lies within the picture and is not empty.
    func cropped(to box: PixelBox) -> PixelBuffer {
        precondition(box.left >= 0 && box.top >= 0 && box.right <= width && box.bottom <= height, "a box outside")
        var result: [UInt8] = []
        result.reserveCapacity(box.width * box.height * Self.channels)
        for y in box.top..<box.bottom {
            let start = (y * width + box.left) * Self.channels
            result.append(contentsOf: bytes[start..<start + box.width * Self.channels])
        }
        return PixelBuffer(uncheckedWidth: box.width, height: box.height, bytes: result)
    }
}
