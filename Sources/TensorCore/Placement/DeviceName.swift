/// What users call a device: `cpu:0`, `cuda:1`; `cpu` and `cuda` are the first of their kind.
public struct DeviceName: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// What computes.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        case cpu
        case cuda
    }

    /// Devices of one kind, at most; far more than any machine has.
    public static let indexRange = 0...63

    /// What it is and which of its kind.
    public let kind: Kind
    public let index: Int

    /// The host's memory and processors.
    public static let cpu = DeviceName(.cpu)

    /// A device of our own making; the index lies in `indexRange`.
    public init(_ kind: Kind, _ index: Int = 0) {
        precondition(Self.indexRange.contains(index), "device index \(index)")
        self.kind = kind
        self.index = index
    }

    /// Reads `cpu`, `cpu:1`, `cuda:0`. Throws `unknownDevice` for any other text.
    public init(text: String) throws(PlacementError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let number = parts.count == 2 ? WholeNumber.read(parts[1], limit: Self.indexRange.upperBound) : 0
        guard let kind = Kind(rawValue: String(parts[0])), let index = number else {
            throw .unknownDevice(text, known: [])
        }
        self.init(kind, index)
    }

    /// Reads names between commas. Throws `unknownDevice`, or `namedTwice` for one that comes again.
    public static func list(_ text: String) throws(PlacementError) -> [DeviceName] {
        var names: [DeviceName] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let name = try DeviceName(text: String(part))
            guard !names.contains(name) else { throw .namedTwice(name.description) }
            names.append(name)
        }
        return names
    }

    public var description: String { "\(kind.rawValue):\(index)" }

    /// By kind, then by number.
    public static func < (one: DeviceName, other: DeviceName) -> Bool {
        (one.kind.rawValue, one.index) < (other.kind.rawValue, other.index)
    }
}

/// Whole numbers in texts from outside: digits alone, no sign, no space.
enum WholeNumber {
    /// The number, or nil if the text is none or the number is above `limit`.
    static func read(_ text: some StringProtocol, limit: Int) -> Int? {
        guard !text.isEmpty, text.utf8.count <= 18, text.utf8.allSatisfy({ (48...57).contains($0) }),
            let number = Int(text), number <= limit
        else { return nil }
        return number
    }
}
