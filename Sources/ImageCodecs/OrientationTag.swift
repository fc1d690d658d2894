/// Finds the orientation that a camera or program noted in a file.
///
/// Source: EXIF 2.32 section 4.6 (TIFF header, IFD0, tag 0x0112); the order of the places is Pillow's `Image.getexif`.
enum OrientationTag {
    /// The most entries of IFD0 that are looked at; real files have some dozens.
    private static let maximumEntries = 1_000

    /// The orientation of an EXIF block (with or without `Exif\0\0` before the TIFF header), nil if it says none.
    static func value(inEXIF block: [UInt8]) -> Int? {
        let prefix: [UInt8] = [0x45, 0x78, 0x69, 0x66, 0, 0]
        let tiff = block.starts(with: prefix) ? Array(block.dropFirst(prefix.count)) : block
        guard tiff.count >= 8 else { return nil }
        let isLittleEndian: Bool
        switch (tiff[0], tiff[1]) {
        case (0x49, 0x49): isLittleEndian = true
        case (0x4D, 0x4D): isLittleEndian = false
        default: return nil
        }
        func number(_ offset: Int, _ count: Int) -> Int? {
            guard offset >= 0, offset <= tiff.count - count else { return nil }
            var value = 0
            for index in 0..<count {
                let byte = Int(tiff[offset + (isLittleEndian ? count - 1 - index : index)])
                value = value << 8 | byte
            }
            return value
        }
        guard let directory = number(4, 4), let entries = number(directory, 2) else { return nil }
        for entry in 0..<min(entries, maximumEntries) {
            let offset = directory + 2 + entry * 12
            guard let tag = number(offset, 2), let kind = number(offset + 2, 2), let count = number(offset + 4, 4)
            else { return nil }
            guard tag == 0x0112 else { continue }
            guard count == 1 else { return nil }
            // 3 is SHORT, 4 is LONG: some writers use the latter.
            return kind == 3 ? number(offset + 8, 2) : kind == 4 ? number(offset + 8, 4) : nil
        }
        return nil
    }

    /// The orientation of an XMP packet: the digit after `tiff:Orientation="` or `tiff:Orientation>`.
    static func value(inXMP packet: [UInt8]) -> Int? {
        let name = Array("tiff:Orientation".utf8)
        guard packet.count > name.count + 1 else { return nil }
        for start in 0..<packet.count - name.count where packet[start] == name[0] {
            guard packet[start..<start + name.count].elementsEqual(name) else { continue }
            var next = start + name.count
            if packet[next] == 0x3E {
                next += 1
            } else if next + 1 < packet.count, packet[next] == 0x3D, packet[next + 1] == 0x22 {
                next += 2
            } else {
                continue
            }
            guard next < packet.count, (0x30...0x39).contains(packet[next]) else { continue }
            return Int(packet[next]) - 0x30
        }
        return nil
    }

    /// The EXIF block that ImageMagick writes as text: a line feed, a name, a length, then hexadecimal digits.
    static func block(fromRawProfile text: [UInt8]) -> [UInt8] {
        let lines = text.split(separator: 0x0A, omittingEmptySubsequences: false).dropFirst(3)
        var block: [UInt8] = []
        var high: UInt8?
        for digit in lines.joined() {
            guard let value = Character(Unicode.Scalar(digit)).hexDigitValue.map(UInt8.init) else { return [] }
            if let first = high {
                block.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return block
    }

    /// The orientation by EXIF, else by XMP, else 1; values outside 1...8 count as 1.
    static func resolve(exif: [UInt8], xmp: [UInt8]) -> Int {
        let found = value(inEXIF: exif) ?? value(inXMP: xmp) ?? 1
        return (1...8).contains(found) ? found : 1
    }
}
