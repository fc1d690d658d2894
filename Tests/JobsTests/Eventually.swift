import Glibc

/// Waits for something that another thread does; false after half a minute, which only a failure takes.
func eventually(_ condition: () -> Bool) -> Bool {
    for _ in 0..<6000 {
        if condition() { return true }
        usleep(5000)
    }
    return false
}
