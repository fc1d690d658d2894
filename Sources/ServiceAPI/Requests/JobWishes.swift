import Jobs

/// What a request says of its job, besides what the layers are to be.
struct JobWishes: Sendable, Equatable {
    /// Names as requests spell them.
    enum Name: String, CaseIterable {
        case priority
        case deadlineSeconds = "deadline_seconds"

        var jsonKind: RequestJSON.Kind { self == .priority ? .string : .number }
    }

    /// From the smallest time that is counted to a week.
    static let deadlineRange = 0.001...604_800.0

    var priority: JobPriority?
    var deadlineSeconds: Double?

    /// Sets one of them; throws if it was set before or cannot be read.
    mutating func set(_ name: Name, _ text: String) throws(ServiceError) {
        switch name {
        case .priority:
            guard priority == nil else { throw .repeatedParameter(name: name.rawValue) }
            priority = try ParameterText.choice(
                text, name.rawValue, JobPriority.allCases.map { ($0.name, $0) })
        case .deadlineSeconds:
            guard deadlineSeconds == nil else { throw .repeatedParameter(name: name.rawValue) }
            deadlineSeconds = try ParameterText.decimal(
                text, name.rawValue, Self.deadlineRange, "a number of seconds from 0.001 to 604800")
        }
    }
}
