/// How soon a job's turn comes. A level above goes first, but each ninth start goes to a level below that waits.
public enum JobPriority: Int, Sendable, CaseIterable, Comparable {
    case high = 0
    case normal = 1
    case low = 2

    /// `high`, `normal` or `low`.
    public var name: String {
        switch self {
        case .high: "high"
        case .normal: "normal"
        case .low: "low"
        }
    }

    /// The priority of this name; nil if there is none.
    public init?(name: String) {
        guard let priority = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = priority
    }

    /// True if `left` goes before `right`.
    public static func < (left: JobPriority, right: JobPriority) -> Bool { left.rawValue < right.rawValue }
}
