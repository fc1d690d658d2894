/// Makes pixels of a layer's coded channels.
struct PSDPixels {
    let header: PSDHeader
    /// The file's way to sRGB, made once for all of its layers; nil if there is nothing to convert.
    private let conversion: ColorConversion?

    init(header: PSDHeader, profile: [UInt8]) {
        self.header = header
        conversion = ColorConversion(profile: profile, of: header.isGrey ? .greyAlpha : .rgba)
    }

    /// The layer's pixels with its mask in their alpha; nil for a layer without any.
    func pixels(of record: PSDRecord) throws(ImageError) -> PixelBuffer? {
        let (width, height) = (record.box.width, record.box.height)
        guard width > 0, height > 0 else { return nil }
        var seen: Set<Int> = []
        for channel in record.channels {
            guard seen.insert(channel.id).inserted else {
                throw .damaged(.photoshop, detail: "a layer with channel \(channel.id) twice")
            }
        }
        // Checked before memory is taken: what a channel's bytes can hold at most.
        for channel in record.channels where place(of: channel.id) != nil {
            guard let data = channel.data else { continue }
            try PSDChannel.checkLength(data, width: width, height: height, header.dialect)
        }
        var bytes = [UInt8](repeating: 255, count: width * height * PixelBuffer.channels)
        if !seen.isSuperset(of: 0..<header.colorChannels) {
            throw .damaged(.photoshop, detail: "a layer without all of its colours")
        }
        for channel in record.channels {
            guard let place = place(of: channel.id), let data = channel.data else { continue }
            try PSDChannel.decode(
                data, width: width, height: height, header.dialect, into: &bytes, offset: place,
                step: PixelBuffer.channels)
        }
        if header.isGrey { spreadGrey(&bytes) }
        if let mask = record.mask { try apply(mask, of: record, to: &bytes) }
        return converted(PixelBuffer(uncheckedWidth: width, height: height, bytes: bytes))
    }

    /// Colours as sRGB.
    func converted(_ pixels: PixelBuffer) -> PixelBuffer {
        guard let conversion else { return pixels }
        var encoded = EncodedPixels(
            width: pixels.width, height: pixels.height, samples: pixels.bytes, layout: .rgba,
            colorModel: header.isGrey ? .greyAlpha : .rgba, bitDepth: 8, hasAlpha: true, orientation: 1,
            profile: [])
        conversion.run(on: &encoded)
        return PixelBuffer(uncheckedWidth: pixels.width, height: pixels.height, bytes: encoded.samples)
    }

    /// Where a channel's bytes go in a pixel; nil for what is not drawn here.
    private func place(of id: Int) -> Int? {
        if id == -1 { return 3 }
        return (0..<header.colorChannels).contains(id) ? id : nil
    }

    private func spreadGrey(_ bytes: inout [UInt8]) {
        for offset in stride(from: 0, to: bytes.count, by: PixelBuffer.channels) {
            bytes[offset + 1] = bytes[offset]
            bytes[offset + 2] = bytes[offset]
        }
    }

    private func apply(_ mask: PSDRecord.Mask, of record: PSDRecord, to bytes: inout [UInt8]) throws(ImageError) {
        guard !record.channels.contains(where: { $0.id == -3 }) else {
            throw .unsupportedFeature(.photoshop, detail: "a layer with two masks; apply them first")
        }
        let (width, height) = (mask.box.width, mask.box.height)
        var plane: [UInt8] = []
        if width > 0, height > 0, let data = record.channels.first(where: { $0.id == -2 })?.data {
            // A mask has no reason to be larger than what it covers.
            let limit = header.width * header.height + bytes.count / PixelBuffer.channels
            guard width * height <= limit else { throw .tooManyPixels(width: width, height: height, limit: limit) }
            try PSDChannel.checkLength(data, width: width, height: height, header.dialect)
            plane = [UInt8](repeating: 0, count: width * height)
            try PSDChannel.decode(
                data, width: width, height: height, header.dialect, into: &plane, offset: 0, step: 1)
        }
        for y in 0..<record.box.height {
            for x in 0..<record.box.width {
                let (maskX, maskY) = (x + record.box.left - mask.box.left, y + record.box.top - mask.box.top)
                let isInside = maskX >= 0 && maskX < width && maskY >= 0 && maskY < height && !plane.isEmpty
                let strength = Int(isInside ? plane[maskY * width + maskX] : mask.outside)
                let alpha = (y * record.box.width + x) * PixelBuffer.channels + 3
                bytes[alpha] = UInt8((Int(bytes[alpha]) * strength + 127) / 255)
            }
        }
    }
}
