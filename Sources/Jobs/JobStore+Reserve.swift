import DurableStorage

/// Space that is kept for letting go of jobs: that frees a full disk, and needs a few pages of the database first, as
/// does the start before it.
extension JobStore {
    /// A row's end takes some ten pages of 4 KiB.
    private static var reserveByteCount: Int { 256 << 10 }
    private static var reserveName: String { "reserve" }
    private var reservePath: String { Self.reservePath(folder) }

    private static func reservePath(_ folder: String) -> String { "\(folder)/\(reserveName)" }

    /// Takes the space unless it is taken, and as long as there is any.
    func keepReserve() {
        guard (try? StoredFile(path: reservePath))?.byteCount != Self.reserveByteCount else { return }
        try? DurableFile.write([Self.reserveBytes()], name: Self.reserveName, folder: folder)
    }

    /// No zeros: file systems that compress would keep no space for them. By a generator of our own (half of
    /// SplitMix64; nobody needs to be kept from guessing these), as the system's asks the kernel for each number, which
    /// took a tenth of a second of every start.
    private static func reserveBytes() -> [UInt8] {
        var state = UInt64.random(in: .min ... .max)
        return (0..<reserveByteCount).map { _ in
            state &+= 0x9E37_79B9_7F4A_7C15
            let mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
            return UInt8(truncatingIfNeeded: mixed >> 56)
        }
    }

    /// Does `body`, and on a full disk once more with the space that is kept.
    func withReserve<Value>(_ body: () throws(StorageError) -> Value) throws(StorageError) -> Value {
        try Self.withReserve(of: folder, body)
    }

    /// The same for a store that is not open yet: a start takes a few pages too, and who cannot start can delete
    /// nothing.
    static func withReserve<Value>(
        of folder: String, _ body: () throws(StorageError) -> Value
    ) throws(StorageError) -> Value {
        do throws(StorageError) {
            return try body()
        } catch .full {
            DurableFile.remove(reservePath(folder))
            return try body()
        }
    }
}
