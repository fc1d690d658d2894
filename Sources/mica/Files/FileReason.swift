import Glibc

/// Why the system would not read or write, in words for the person who named the file.
enum FileReason {
    /// The words for an `errno`.
    static func text(_ code: Int32) -> String {
        switch code {
        case ENOENT: "there is no such file or folder"
        case ENOTDIR: "a part of the path is no folder"
        case EACCES, EPERM: "permission denied"
        case EISDIR: "it is a folder"
        case ENOSPC, EDQUOT: "the disk is full"
        case EROFS: "the disk is read-only"
        default: String(cString: strerror(code))
        }
    }
}
