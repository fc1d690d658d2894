import DurableStorage

/// Space that is kept for letting go of jobs: that frees a full disk, and needs a few pages of the database first.
extension JobStore {
    /// A row's end takes some ten pages of 4 KiB.
    private static var reserveByteCount: Int { 256 << 10 }
    private static var reserveName: String { "reserve" }
    private var reservePath: String { "\(folder)/\(Self.reserveName)" }

    /// Takes the space unless it is taken, and as long as there is any.
    func keepReserve() {
        guard (try? StoredFile(path: reservePath))?.byteCount != Self.reserveByteCount else { return }
        // No zeros: file systems that compress would keep no space for them.
        let bytes = (0..<Self.reserveByteCount).map { _ in UInt8.random(in: .min ... .max) }
        try? DurableFile.write([bytes], name: Self.reserveName, folder: folder)
    }

    /// Does `body`, and on a full disk once more with the space that is kept.
    func withReserve(_ body: () throws(StorageError) -> Void) throws(StorageError) {
        do throws(StorageError) {
            try body()
        } catch .full {
            DurableFile.remove(reservePath)
            try body()
        }
    }
}
