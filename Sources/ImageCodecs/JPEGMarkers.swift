import CImages

/// The application markers of a JPEG that say something about its pixels.
struct JPEGMarkers {
    /// The first EXIF block, beginning with `Exif\0\0`; empty without one.
    var exif: [UInt8] = []
    /// The last XMP packet; empty without one.
    var xmp: [UInt8] = []
    /// The ICC profile put together from its parts; empty without one or if parts are missing.
    var profile: [UInt8] = []

    /// The most markers that are looked at.
    private static let maximumMarkers: Int32 = 1_000
    /// Bytes before a part of a profile: the name, its number, the number of parts.
    private static let profileHeader = 14

    /// Reads the markers that libjpeg kept; call it before the decoder is closed.
    init(_ jpeg: OpaquePointer) {
        let exifName = Array("Exif\0\0".utf8)
        let xmpName = Array("http://ns.adobe.com/xap/1.0/\0".utf8)
        let profileName = Array("ICC_PROFILE\0".utf8)
        var parts: [UInt8: [UInt8]] = [:]
        var partCount: UInt8?
        for index in 0..<Self.maximumMarkers {
            var number: Int32 = 0
            var data: UnsafePointer<UInt8>?
            let count = cimages_jpeg_marker(jpeg, index, &number, &data)
            guard count >= 0 else { break }
            guard let data else { continue }
            let marker = UnsafeBufferPointer(start: data, count: count)
            if number == 1, exif.isEmpty, marker.starts(with: exifName) {
                exif = Array(marker)
            } else if number == 1, marker.starts(with: xmpName) {
                xmp = Array(marker.dropFirst(xmpName.count))
            } else if number == 2, marker.count > Self.profileHeader, marker.starts(with: profileName) {
                parts[marker[12]] = Array(marker.dropFirst(Self.profileHeader))
                partCount = marker[13]
            }
        }
        guard let partCount, partCount > 0, parts.count == Int(partCount) else { return }
        for part in 1...partCount {
            guard let bytes = parts[part] else {
                profile = []
                return
            }
            profile += bytes
        }
    }
}
