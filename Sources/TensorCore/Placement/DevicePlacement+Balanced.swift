extension DevicePlacement {
    /// Components and runs of blocks spread over devices, in the order in which they work, so that each holds a share
    /// of the bytes as large as its share of the budgets; the same for all if one has no budget.
    ///
    /// - Parameter devices: at least one, each with its limit in bytes.
    public static func balanced(
        _ layout: ModelLayout, over devices: [(name: DeviceName, limitBytes: Int?)]
    ) -> DevicePlacement {
        let limits = devices.compactMap(\.limitBytes)
        let weights = limits.count == devices.count ? limits.map(Double.init) : devices.map { _ in 1 }
        let sum = max(weights.reduce(0, +), 1)
        let total = max(Double(layout.components.reduce(0) { $0 + $1.byteCount }), 1)
        var placed = 0.0
        /// The device on whose share the middle of so many bytes falls.
        func place(_ byteCount: Int) -> DeviceName {
            let middle = (placed + Double(byteCount) / 2) / total * sum
            placed += Double(byteCount)
            var end = 0.0
            for (device, weight) in zip(devices, weights) {
                end += weight
                if middle < end { return device.name }
            }
            return devices[devices.count - 1].name
        }
        var roots: [String: DeviceName] = [:]
        var blocks: [String: [DeviceName]] = [:]
        for component in layout.components {
            let root = place(component.otherBytes)
            for list in component.blockLists {
                blocks[list.name] = (0..<list.count).map { _ in place(list.blockBytes) }
            }
            roots[component.name] = component.blockLists.lazy.compactMap { blocks[$0.name]?.first }.first ?? root
        }
        return DevicePlacement(roots: roots, blocks: blocks)
    }
}
