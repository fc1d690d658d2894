/// Every operation once more, in double precision and as plain loops: what the backends are held against.
///
/// Written from the doc comments of `Operation`, not from any
/// kernel; nothing here is blocked, fused or split over threads.
enum Reference {}
