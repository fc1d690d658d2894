import CImages

/// Reads WebP (lossy, lossless, with or without alpha) through libwebp.
enum WebPDecoder {
    /// Throws `ImageError` for sizes beyond `options`, animations, and data that is truncated or damaged.
    static func decode(_ bytes: [UInt8], options: DecodeOptions) throws(ImageError) -> EncodedPixels {
        try bytes.withUnsafeBufferPointer { buffer in
            Result { () throws(ImageError) in try decode(buffer, options: options) }
        }.get()
    }

    private static func decode(
        _ bytes: UnsafeBufferPointer<UInt8>, options: DecodeOptions
    ) throws(ImageError) -> EncodedPixels {
        var features = WebPBitstreamFeatures()
        try check(WebPGetFeatures(bytes.baseAddress, bytes.count, &features))
        let width = Int(features.width)
        let height = Int(features.height)
        try options.checkSize(width: width, height: height, format: .webp)
        var data = WebPData(bytes: bytes.baseAddress, size: bytes.count)
        // The demuxer refuses what WebPGetFeatures takes when the file ends early.
        guard let demuxer = WebPDemux(&data) else { throw .truncated(.webp) }
        defer { WebPDemuxDelete(demuxer) }
        if features.has_animation != 0 {
            throw .animated(.webp, frames: Int(WebPDemuxGetI(demuxer, WEBP_FF_FRAME_COUNT)))
        }
        let samples = try readPixels(bytes, width: width, height: height, hasAlpha: features.has_alpha != 0)
        let exif = chunk("EXIF", demuxer)
        let xmp = chunk("XMP ", demuxer)
        return EncodedPixels(
            width: width, height: height, samples: samples, layout: .rgba,
            colorModel: features.has_alpha != 0 ? .rgba : .rgb, bitDepth: 8, hasAlpha: features.has_alpha != 0,
            orientation: OrientationTag.resolve(exif: exif, xmp: xmp), profile: chunk("ICCP", demuxer))
    }

    /// Throws as `decode` does for what stands before the pixels.
    static func header(_ bytes: [UInt8], options: DecodeOptions) throws(ImageError) -> ImageHeader {
        try bytes.withUnsafeBufferPointer { buffer in
            Result { () throws(ImageError) in
                var features = WebPBitstreamFeatures()
                try check(WebPGetFeatures(buffer.baseAddress, buffer.count, &features))
                let (width, height) = (Int(features.width), Int(features.height))
                try options.checkSize(width: width, height: height, format: .webp)
                var data = WebPData(bytes: buffer.baseAddress, size: buffer.count)
                guard let demuxer = WebPDemux(&data) else { throw .truncated(.webp) }
                defer { WebPDemuxDelete(demuxer) }
                return ImageHeader(
                    width: width, height: height,
                    orientation: OrientationTag.resolve(exif: chunk("EXIF", demuxer), xmp: chunk("XMP ", demuxer)))
            }
        }.get()
    }

    private static func readPixels(
        _ bytes: UnsafeBufferPointer<UInt8>, width: Int, height: Int, hasAlpha: Bool
    ) throws(ImageError) -> [UInt8] {
        var configuration = WebPDecoderConfig()
        guard WebPInitDecoderConfig(&configuration) != 0 else {
            throw .codecFailure(operation: "reading WebP", detail: "libwebp has another version than its header")
        }
        var samples = [UInt8](repeating: 0, count: width * height * 4)
        let status = samples.withUnsafeMutableBufferPointer { samples -> VP8StatusCode in
            configuration.output.colorspace = MODE_RGBA
            configuration.output.is_external_memory = 1
            configuration.output.u.RGBA.rgba = samples.baseAddress
            configuration.output.u.RGBA.stride = Int32(width * 4)
            configuration.output.u.RGBA.size = samples.count
            let status = WebPDecode(bytes.baseAddress, bytes.count, &configuration)
            if !hasAlpha {
                // A lossless file may carry alpha values that its header declares to mean nothing.
                for offset in stride(from: 3, to: samples.count, by: 4) { samples[offset] = 255 }
            }
            return status
        }
        WebPFreeDecBuffer(&configuration.output)
        try check(status)
        return samples
    }

    private static func chunk(_ name: String, _ demuxer: OpaquePointer) -> [UInt8] {
        var iterator = WebPChunkIterator()
        defer { WebPDemuxReleaseChunkIterator(&iterator) }
        guard WebPDemuxGetChunk(demuxer, name, 1, &iterator) != 0 else { return [] }
        return Array(UnsafeBufferPointer(start: iterator.chunk.bytes, count: iterator.chunk.size))
    }

    private static func check(_ status: VP8StatusCode) throws(ImageError) {
        switch status {
        case VP8_STATUS_OK: return
        case VP8_STATUS_NOT_ENOUGH_DATA, VP8_STATUS_SUSPENDED: throw .truncated(.webp)
        case VP8_STATUS_OUT_OF_MEMORY: throw .codecFailure(operation: "reading WebP", detail: "no memory")
        case VP8_STATUS_UNSUPPORTED_FEATURE:
            throw .unsupportedFeature(.webp, detail: "it uses a feature that libwebp does not know")
        default: throw .damaged(.webp, detail: "its data contradicts the format")
        }
    }
}
