extension DevicePlacement {
    /// What the second guidance branch's transformer is under in `roots` and in `blocks`.
    public static let guidanceRoot = "transformer.guidance"
    /// Its blocks.
    public static let guidanceBlocks = "transformer.guidance.transformer_blocks"

    /// A guidance branch a device: all components on the first one, the transformer once more on the second.
    ///
    /// - Parameter devices: two.
    /// - Throws: `guidanceDevices` for fewer or more.
    public static func guidance(
        _ layout: ModelLayout, over devices: [DeviceName]
    ) throws(PlacementError) -> DevicePlacement {
        guard devices.count == 2 else { throw .guidanceDevices(devices) }
        var roots = [guidanceRoot: devices[1]]
        var blocks: [String: [DeviceName]] = [:]
        for component in layout.components {
            roots[component.name] = devices[0]
            for list in component.blockLists {
                blocks[list.name] = Array(repeating: devices[0], count: list.count)
                if list.name == "transformer.transformer_blocks" {
                    blocks[guidanceBlocks] = Array(repeating: devices[1], count: list.count)
                }
            }
        }
        return DevicePlacement(roots: roots, blocks: blocks)
    }
}
