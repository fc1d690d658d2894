/// Why a plan, a map or a budget cannot be carried out; each description is one line that says what would do.
public enum PlacementError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A device that there is not; `known` is empty if the text is no device's name at all.
    case unknownDevice(String, known: [DeviceName])
    /// A word that names no plan.
    case unknownPlan(String)
    /// A map and another plan at the same time.
    case mapWithPlan(String)
    /// A text that is no size.
    case size(String)
    /// A part of a map's text that is not `name=device`.
    case mapEntry(String)
    /// A map that is not JSON of names and devices.
    case mapJSON(String)
    /// A name in a map that the model does not have.
    case unknownComponent(String, known: [String])
    /// Blocks that the list does not have.
    case blockOutOfRange(String, count: Int)
    /// A device, component or block that is named a second time.
    case namedTwice(String)
    /// Blocks that a map leaves out.
    case blocksMissing(list: String, indices: [Int])
    /// A component that a map leaves out.
    case componentMissing(String)
    /// Not two devices for a guidance branch each.
    case guidanceDevices([DeviceName])
    /// No plan, or not the one that was asked for, keeps to the budget; `smallestBytes` would do.
    case budgetTooSmall(device: DeviceName, plan: String?, limitBytes: Int, smallestBytes: Int)
    /// The same of what all of a job may hold on the host.
    case hostBudgetTooSmall(plan: String?, limitBytes: Int, smallestBytes: Int)

    public var description: String {
        switch self {
        case .unknownDevice(let text, let known) where known.isEmpty:
            "'\(text)' is no device; devices are called cpu, cpu:1, cuda:0"
        case .unknownDevice(let text, let known):
            "there is no device \(text) here; there are \(known.map(\.description).joined(separator: ", "))"
        case .unknownPlan(let text):
            "'\(text)' is no way to place weights; there are \(OffloadPlan.words.joined(separator: ", ")) and stream:N"
        case .mapWithPlan(let text): "a device map takes the place of '\(text)': give one of them"
        case .size(let text): "'\(text)' is no size of memory; write 6GiB, 512MiB or a number of bytes"
        case .mapEntry(let text): "'\(text)' in the device map is not 'name=device'"
        case .mapJSON(let problem): "the device map is not a JSON object of names and devices: \(problem)"
        case .unknownComponent(let name, let known):
            "the device map names '\(name)', which the model does not have; it has \(known.joined(separator: ", "))"
        case .blockOutOfRange(let name, let count):
            "the device map names '\(name)', but the blocks are 0 to \(count - 1)"
        case .namedTwice(let name): "\(name) is named twice"
        case .blocksMissing(let list, let indices):
            "the device map leaves out \(indices.count == 1 ? "block" : "blocks") \(Self.ranges(indices)) of \(list)"
        case .componentMissing(let name): "the device map leaves out \(name)"
        case .guidanceDevices(let devices):
            "the plan 'guidance' is for two devices, such as cuda:0,cuda:1, not"
                + " \(devices.map(\.description).joined(separator: ", "))"
        case .budgetTooSmall(let device, let plan, let limit, let smallest):
            Self.tooLittle(limit, "\(device)", plan, smallest)
        case .hostBudgetTooSmall(let plan, let limit, let smallest):
            Self.tooLittle(limit, "the host", plan, smallest)
        }
    }

    private static func tooLittle(_ limit: Int, _ place: String, _ plan: String?, _ smallest: Int) -> String {
        "\(ByteCount(limit)) on \(place) are too little for \(plan.map { "the plan '\($0)'" } ?? "any plan"):"
            + " at least \(ByteCount(roundedUp: smallest)) are needed"
    }

    /// `0-3, 7`.
    private static func ranges(_ indices: [Int]) -> String {
        var ranges: [ClosedRange<Int>] = []
        for index in indices {
            if let last = ranges.last, last.upperBound + 1 == index {
                ranges[ranges.count - 1] = last.lowerBound...index
            } else {
                ranges.append(index...index)
            }
        }
        return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
            .joined(separator: ", ")
    }
}

extension ByteCount {
    /// The next number that prints without loss, so that a size which a message asks for is enough if it is given.
    public init(roundedUp bytes: Int) {
        var unit = 1
        while bytes / unit >= 1024, unit < 1 << 40 { unit <<= 10 }
        // Rounded down, so that the tenths as they are printed and read again are never less.
        let step = max(unit / 10, 1)
        self.init((bytes + step - 1) / step * step)
    }
}
