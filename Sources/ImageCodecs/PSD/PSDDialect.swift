/// The two formats that differ in how wide their lengths are.
enum PSDDialect: UInt16, Sendable {
    /// PSD.
    case standard = 1
    /// PSB.
    case large = 2

    /// The name in errors.
    var name: String { self == .standard ? "PSD" : "PSB" }
    /// The longest side of a document.
    var maximumSide: Int { self == .standard ? 30_000 : 300_000 }
    /// The most bytes of a file that is written here: PSB could have more, memory could not.
    var maximumByteCount: Int { self == .standard ? Int(Int32.max) : 32 << 30 }
    /// Bytes of a section's or a channel's length.
    var lengthBytes: Int { self == .standard ? 4 : 8 }
    /// Bytes of a coded row's length.
    var rowCountBytes: Int { self == .standard ? 2 : 4 }

    /// The tagged blocks whose length has 8 bytes in PSB.
    static let largeBlocks: Set<String> = [
        "LMsk", "Lr16", "Lr32", "Layr", "Mt16", "Mt32", "Mtrn", "Alph", "FMsk", "lnk2", "FEid", "FXid", "PxSD",
    ]
}

extension BigEndianBytes {
    /// A section's or a channel's length.
    mutating func append(length: Int, _ dialect: PSDDialect) {
        if dialect == .large { append(UInt32(truncatingIfNeeded: length >> 32)) }
        append(UInt32(truncatingIfNeeded: length))
    }

    /// Writes a length at a place that was left for it.
    mutating func set(length: Int, _ dialect: PSDDialect, at offset: Int) {
        if dialect == .large {
            set(UInt32(truncatingIfNeeded: length >> 32), at: offset)
            set(UInt32(truncatingIfNeeded: length), at: offset + 4)
        } else {
            set(UInt32(truncatingIfNeeded: length), at: offset)
        }
    }
}
