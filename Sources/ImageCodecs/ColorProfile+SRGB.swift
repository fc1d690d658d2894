import CImages

extension ColorProfile {
    /// A small sRGB profile, the same bytes each time.
    ///
    /// Throws `ImageError.codecFailure` without memory.
    static func sRGB() throws(ImageError) -> [UInt8] {
        let failure = ImageError.codecFailure(operation: "making the sRGB profile", detail: "no memory")
        guard let context = cmsCreateContext(nil, nil) else { throw failure }
        defer { cmsDeleteContext(context) }
        guard let profile = cmsCreate_sRGBProfileTHR(context) else { throw failure }
        defer { cmsCloseProfile(profile) }
        var count: UInt32 = 0
        guard cmsSaveProfileToMem(profile, nil, &count) != 0, count > 128 else { throw failure }
        var bytes = [UInt8](repeating: 0, count: Int(count))
        guard cmsSaveProfileToMem(profile, &bytes, &count) != 0 else { throw failure }
        // The header's date of creation is now; ICC.1 section 7.2.8.
        bytes.replaceSubrange(24..<36, with: repeatElement(0, count: 12))
        return bytes
    }
}
