import Foundation

/// The size of a page of memory.
public enum PageSize {
    /// In bytes: 4 KiB nearly everywhere, up to 64 KiB on ARM.
    public static let bytes = sysconf(Int32(_SC_PAGESIZE))
}
