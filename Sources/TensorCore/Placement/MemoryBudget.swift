/// How many bytes a run may hold: hard limits, which every allocation is checked against.
public struct MemoryBudget: Sendable, Hashable {
    /// For every device that has no limit of its own; nil sets none.
    public var deviceBytes: Int?
    /// For one device.
    public var bytesByDevice: [DeviceName: Int]
    /// For the host: all `cpu` devices together, and what is staged for the others.
    public var hostBytes: Int?

    /// Limits, 0 or more; none by default.
    public init(deviceBytes: Int? = nil, bytesByDevice: [DeviceName: Int] = [:], hostBytes: Int? = nil) {
        self.deviceBytes = deviceBytes
        self.bytesByDevice = bytesByDevice
        self.hostBytes = hostBytes
    }

    /// No limit at all.
    public static let unlimited = MemoryBudget()

    /// The limit of one device; that of a `cpu` device is at most the host's.
    public func limitBytes(of device: DeviceName) -> Int? {
        let own = bytesByDevice[device] ?? deviceBytes
        guard device.kind == .cpu, let hostBytes else { return own }
        return min(own ?? hostBytes, hostBytes)
    }

    /// Reads `6GiB` for every device, or `cuda:0=10GiB,cuda:1=8GiB`. Throws `size`, `unknownDevice` or `namedTwice`.
    public init(devices text: String, hostBytes: Int? = nil) throws(PlacementError) {
        self.init(hostBytes: hostBytes)
        guard text.contains("=") else {
            deviceBytes = try ByteCount(text: text).bytes
            return
        }
        for entry in text.split(separator: ",", omittingEmptySubsequences: false) {
            let parts = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { throw .size(String(entry)) }
            let device = try DeviceName(text: String(parts[0]))
            guard bytesByDevice[device] == nil else { throw .namedTwice(device.description) }
            bytesByDevice[device] = try ByteCount(text: String(parts[1])).bytes
        }
    }
}

extension ByteCount {
    /// Factors of the units, longest names first so that `GiB` is not read as `B`.
    private static let units: [(name: String, bytes: Int)] = [
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40), ("KB", 1000), ("MB", 1_000_000),
        ("GB", 1_000_000_000), ("TB", 1_000_000_000_000), ("K", 1 << 10), ("M", 1 << 20), ("G", 1 << 30),
        ("T", 1 << 40), ("B", 1),
    ]
    /// Sizes stay far below where sums of them could overflow.
    private static let largestBytes = 1 << 50

    /// Reads `3GiB`, `3.5 GiB`, `512M` (powers of 1024), `6GB` (powers of 1000), `1048576`; up to 1024 TiB.
    ///
    /// Throws `size` for any other text.
    public init(text: String) throws(PlacementError) {
        let unit = Self.units.first { text.hasSuffix($0.name) }
        var number = text.dropLast(unit?.name.count ?? 0)
        while number.last == " " { number.removeLast() }
        let factor = unit?.bytes ?? 1
        let parts = number.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = WholeNumber.read(parts[0], limit: Self.largestBytes / factor) else { throw .size(text) }
        var bytes = whole * factor
        if parts.count == 2 {
            // Nine digits say a byte of a GiB.
            guard parts[1].count <= 9, let fraction = WholeNumber.read(parts[1], limit: 999_999_999) else {
                throw .size(text)
            }
            let scale = parts[1].reduce(1.0) { scale, _ in scale * 10 }
            bytes += Int(Double(fraction) / scale * Double(factor))
        }
        self.init(bytes)
    }
}
