import Glibc

/// Files that are whole under their name or not there at all: written under a temporary name, synced, renamed, and
/// the folder synced.
public enum DurableFile {
    /// What temporary names begin with; a killed process may leave such files.
    public static let temporaryPrefix = ".unfinished-"

    /// Writes `parts` one after the other as the file `name` of `folder`. Throws `full`, `readOnly` and `io`, and
    /// leaves nothing behind then. Blocks until the disk has it.
    public static func write(_ parts: [[UInt8]], name: String, folder: String) throws(StorageError) {
        let path = folder + "/" + name
        let temporary = folder + "/" + temporaryPrefix + name
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system("write", path) }
        do throws(StorageError) {
            defer { close(descriptor) }
            for part in parts { try append(part, descriptor, path) }
            guard fsync(descriptor) == 0 else { throw .system("write", path) }
        } catch {
            unsafe unlink(temporary)
            throw error
        }
        guard unsafe rename(temporary, path) == 0 else {
            let error = StorageError.system("write", path)
            unsafe unlink(temporary)
            throw error
        }
        do throws(StorageError) {
            try DurableFolder.sync(folder)
        } catch {
            unsafe unlink(path)
            throw error
        }
    }

    private static func append(_ bytes: [UInt8], _ descriptor: Int32, _ path: String) throws(StorageError) {
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { raw in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: raw[written...])
                return unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw .system("write", path, code: count < 0 ? errno : ENOSPC) }
            written += count
        }
    }

    /// Takes the file away, if it is there; whether that worked does not matter to the caller, since leftovers are
    /// removed at the next start.
    public static func remove(_ path: String) {
        unsafe unlink(path)
    }
}
