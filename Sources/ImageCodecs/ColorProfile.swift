import CImages

/// Colours to sRGB by an embedded ICC profile, through Little CMS.
enum ColorProfile {
    /// The largest profile that is looked at; printers' CMYK profiles have up to 3 MB.
    static let maximumByteCount = 16 << 20

    /// Converts in place and leaves RGBA behind; false if nothing was done, because the profile is sRGB in effect,
    /// cannot be read, or is made for other channels than the picture has. (A wrong profile is no reason to refuse the
    /// picture: browsers ignore it as well.)
    static func convertToSRGB(_ image: inout EncodedPixels) throws(ImageError) -> Bool {
        guard let conversion = ColorConversion(profile: image.profile, of: image.colorModel) else { return false }
        conversion.run(on: &image)
        return true
    }
}

/// A way to sRGB from one profile and one kind of samples; making it takes longer than a small picture does.
final class ColorConversion {
    private let context: cmsContext
    private let transform: cmsHTRANSFORM
    private let readsGrey: Bool

    /// Nil where `ColorProfile.convertToSRGB` does nothing.
    init?(profile bytes: [UInt8], of model: DecodedImage.ColorModel) {
        guard !bytes.isEmpty, bytes.count <= ColorProfile.maximumByteCount,
            let context = cmsCreateContext(nil, nil)
        else { return nil }
        // The default handler of a context prints nothing and every failure returns nil.
        guard let (transform, layout) = Self.transform(context, bytes, model) else {
            cmsDeleteContext(context)
            return nil
        }
        if layout == cimages_lcms_rgba8(), Self.isIdentity(transform) {
            cmsDeleteTransform(transform)
            cmsDeleteContext(context)
            return nil
        }
        self.context = context
        self.transform = transform
        readsGrey = layout == cimages_lcms_gray8()
    }

    deinit {
        cmsDeleteTransform(transform)
        cmsDeleteContext(context)
    }

    private static func transform(
        _ context: cmsContext, _ bytes: [UInt8], _ model: DecodedImage.ColorModel
    ) -> (cmsHTRANSFORM, layout: UInt32)? {
        guard let profile = cmsOpenProfileFromMemTHR(context, bytes, UInt32(bytes.count)) else { return nil }
        defer { cmsCloseProfile(profile) }
        guard let target = cmsCreate_sRGBProfileTHR(context) else { return nil }
        defer { cmsCloseProfile(target) }
        guard let layout = layout(of: model, profile: profile) else { return nil }
        let transform = cmsCreateTransformTHR(
            context, profile, layout, target, cimages_lcms_rgba8(), UInt32(INTENT_PERCEPTUAL), 0)
        return transform.map { ($0, layout) }
    }

    /// Little CMS' name of the samples to convert, if the profile is one for this picture.
    private static func layout(of model: DecodedImage.ColorModel, profile: cmsHPROFILE) -> UInt32? {
        let space = cmsGetColorSpace(profile)
        switch model {
        case .grey, .greyAlpha: return space == cmsSigGrayData ? cimages_lcms_gray8() : nil
        case .rgb, .rgba, .palette: return space == cmsSigRgbData ? cimages_lcms_rgba8() : nil
        case .cmyk: return space == cmsSigCmykData ? cimages_lcms_cmyk8() : nil
        }
    }

    /// Whether a transform moves no colour of a coarse grid by more than 1: then the pixels are better left alone.
    private static func isIdentity(_ transform: cmsHTRANSFORM) -> Bool {
        let levels: [UInt8] = Array(stride(from: 0, through: 255, by: 15))
        var grid: [UInt8] = []
        for red in levels {
            for green in levels {
                for blue in levels { grid += [red, green, blue, 255] }
            }
        }
        var converted = grid
        cmsDoTransform(transform, grid, &converted, UInt32(grid.count / 4))
        return zip(grid, converted).allSatisfy { abs(Int($0) - Int($1)) <= 1 }
    }

    /// Converts in place and leaves RGBA behind; the picture is of the kind that the conversion was made for.
    func run(on image: inout EncodedPixels) {
        let width = image.width
        let hasAlpha = image.layout == .rgba
        let inputStep = image.layout == .grey ? 1 : 4
        var result = [UInt8](repeating: 255, count: width * image.height * 4)
        var grey = [UInt8](repeating: 0, count: readsGrey ? width : 0)
        image.samples.withUnsafeBufferPointer { source in
            result.withUnsafeMutableBufferPointer { target in
                guard let input = source.baseAddress, let output = target.baseAddress else { return }
                for row in 0..<image.height {
                    let sourceRow = input + row * width * inputStep
                    let targetRow = output + row * width * 4
                    if readsGrey {
                        for pixel in 0..<width { grey[pixel] = sourceRow[pixel * inputStep] }
                        cmsDoTransform(transform, grey, targetRow, UInt32(width))
                    } else {
                        cmsDoTransform(transform, sourceRow, targetRow, UInt32(width))
                    }
                    for pixel in 0..<width {
                        targetRow[pixel * 4 + 3] = hasAlpha ? sourceRow[pixel * 4 + 3] : 255
                    }
                }
            }
        }
        image.samples = result
        image.layout = .rgba
    }
}
