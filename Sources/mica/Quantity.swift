/// Numbers of things in texts.
enum Quantity {
    /// `1 step`, `2 steps`.
    static func text(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
}
