/// Names of layers: `background` (`base` in a group), then what the caption calls them where it says where they are,
/// else their number and place.
enum LayerNames {
    /// Characters that a name has at most.
    static let longest = 40
    /// A layer that covers this share of both sides is everywhere.
    private static let wholeShare = 0.8

    /// One name a layer, bottom first, no two alike.
    ///
    /// - Parameters:
    ///   - boxes: around what can be seen of each layer; nil for an empty one.
    ///   - caption: what the picture shows, if that is known.
    ///   - number: of the layer whose group they become, such as `4`: they are 4.1, 4.2 and so on; nil for a picture's.
    ///   - taken: names in lower case that others have.
    static func names(
        for boxes: [ResultManifest.Box?], width: Int, height: Int, caption: String?, inside number: String? = nil,
        taken: Set<String> = []
    ) -> [String] {
        var names = [String?](repeating: nil, count: boxes.count)
        if !names.isEmpty { names[0] = number == nil ? "background" : "base" }
        let places = boxes.map { box in box.map { Place($0, width: width, height: height) } }
        for (index, name) in captionNames(caption ?? "", places) { names[index] = name }
        var used = taken
        let prefix = number.map { "\($0)." } ?? ""
        return names.enumerated().map { index, name in
            unique(name ?? "layer \(prefix)\(index + 1), \(places[index]?.name ?? "empty")", &used)
        }
    }

    private static func unique(_ name: String, _ used: inout Set<String>) -> String {
        let short = String(name.prefix(longest))
        var candidate = short
        var number = 2
        while !used.insert(candidate.lowercased()).inserted {
            candidate = "\(short) \(number)"
            number += 1
        }
        return candidate
    }

    /// Where a layer lies: -1 left or top, 0 middle, 1 right or bottom.
    struct Place: Equatable {
        var across: Int
        var down: Int
        var isEverywhere = false

        init(across: Int, down: Int) {
            self.across = across
            self.down = down
        }

        init(_ box: ResultManifest.Box, width: Int, height: Int) {
            func third(_ start: Int, _ length: Int, of side: Int) -> Int {
                let middle = Double(start) + Double(length) / 2
                return middle < Double(side) / 3 ? -1 : middle > Double(side) * 2 / 3 ? 1 : 0
            }
            across = third(box.x, box.width, of: width)
            down = third(box.y, box.height, of: height)
            isEverywhere =
                Double(box.width) > wholeShare * Double(width) && Double(box.height) > wholeShare * Double(height)
        }

        var name: String {
            if isEverywhere { return "everywhere" }
            let words = [["top", "", "bottom"][down + 1], ["left", "", "right"][across + 1]].filter { !$0.isEmpty }
            return words.isEmpty ? "center" : words.joined(separator: " ")
        }
    }

    // MARK: The caption

    /// Layers that the caption names: a thing with a place goes to the only layer there, and the first thing without
    /// one to the only layer that is left.
    private static func captionNames(_ caption: String, _ places: [Place?]) -> [(index: Int, name: String)] {
        var open = places.indices.dropFirst().filter { places[$0] != nil }
        var result: [(Int, String)] = []
        let things = CaptionThing.things(in: caption)
        for thing in things {
            guard let place = thing.place else { continue }
            let fitting = open.filter { places[$0].map { thing.fits($0, place) } ?? false }
            guard fitting.count == 1 else { continue }
            result.append((fitting[0], thing.name))
            open.removeAll { $0 == fitting[0] }
        }
        if open.count == 1, let thing = things.first(where: { $0.place == nil }) {
            result.append((open[0], thing.name))
        }
        return result
    }
}
