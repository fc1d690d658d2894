/// Something that a caption names, and where it says that it is.
///
/// Read by a few rules, not by a model: a clause's first noun phrase (an article, then words up to a verb or
/// preposition) or its quoted text, and the clause's words for a place.
struct CaptionThing: Equatable {
    let name: String
    /// Nil if the clause names no place.
    let place: LayerNames.Place?
    /// Which of the place's axes the clause named.
    private let namesAcross: Bool
    private let namesDown: Bool

    /// Bytes of a caption that are read.
    private static let longestCaption = 4096
    /// Words of a name.
    private static let mostWords = 3

    private static let articles: Set<String> = [
        "a", "an", "the", "two", "three", "four", "several", "some", "his", "her", "its", "their",
    ]
    /// What ends a noun phrase, besides words in -ing.
    private static let ends: Set<String> = [
        "is", "are", "was", "were", "has", "have", "in", "on", "at", "of", "with", "and", "or", "to", "from", "by",
        "for",
        "that", "which", "who", "near", "behind", "above", "below", "under", "over", "against", "there", "as", "into",
        "stands", "sits", "lies", "reads", "says", "features", "shows", "depicts", "next", "beside", "between",
    ]
    /// What names no thing in the picture.
    private static let vague: Set<String> = [
        "image", "picture", "photo", "photograph", "scene", "background", "foreground", "center", "centre", "middle",
        "left", "right", "top", "bottom", "side", "corner", "part", "area", "view", "style", "design", "color",
        "colour",
        "poster", "illustration", "composition", "text", "letters", "words", "front", "edge", "graphic", "layer",
    ]
    private static let placeWords: [String: (across: Int?, down: Int?)] = [
        "left": (-1, nil), "right": (1, nil), "top": (nil, -1), "upper": (nil, -1), "bottom": (nil, 1),
        "lower": (nil, 1), "center": (0, 0), "centre": (0, 0), "middle": (0, 0),
    ]

    /// True if a layer at `place` is where the clause says.
    func fits(_ place: LayerNames.Place, _ wanted: LayerNames.Place) -> Bool {
        (!namesAcross || place.across == wanted.across) && (!namesDown || place.down == wanted.down)
    }

    /// The things of a caption in its order.
    static func things(in caption: String) -> [CaptionThing] {
        let text = String(decoding: caption.utf8.prefix(longestCaption), as: UTF8.self)
        var things: [CaptionThing] = []
        var before: [String] = []
        for clause in clauses(of: text) {
            let words = words(of: clause)
            if let thing = CaptionThing(clause: clause, placeWords: before + words) {
                things.append(thing)
                before = []
            } else {
                // "On the left, there is ...": the place stands before the comma.
                before = words.contains { placeWords[$0] != nil } ? words : []
            }
        }
        return things
    }

    /// Parts between marks, and between quotes as they are.
    private static func clauses(of text: String) -> [String] {
        var clauses: [String] = [""]
        var isQuoted = false
        for character in text {
            if "\"“”".contains(character) { isQuoted.toggle() }
            if !isQuoted, ".,;:!?\n".contains(character) {
                clauses.append("")
            } else {
                clauses[clauses.count - 1].append(character)
            }
        }
        return clauses
    }

    private static func words(of clause: String) -> [String] {
        clause.lowercased().split { !($0.isLetter || $0.isNumber || $0 == "-") }.map(String.init)
    }

    private init?(clause: String, placeWords words: [String]) {
        guard let name = Self.quotedName(clause) ?? Self.nounName(Self.words(of: clause)) else { return nil }
        self.name = name
        var (across, down): (Int?, Int?) = (nil, nil)
        for word in words {
            guard let found = Self.placeWords[word] else { continue }
            across = across == nil || across == 0 ? found.across ?? across : across
            down = down == nil || down == 0 ? found.down ?? down : down
        }
        namesAcross = across != nil
        namesDown = down != nil
        place = namesAcross || namesDown ? LayerNames.Place(across: across ?? 0, down: down ?? 0) : nil
    }

    private static func quotedName(_ clause: String) -> String? {
        let parts = clause.split(omittingEmptySubsequences: false) { "\"“”".contains($0) }
        guard parts.count >= 3 else { return nil }
        let inside = parts[1].filter { !$0.isNewline && $0.unicodeScalars.allSatisfy { $0.value >= 0x20 } }
        return inside.isEmpty ? nil : "text \(inside.prefix(30))"
    }

    /// The first noun phrase that is not vague, without its article.
    private static func nounName(_ words: [String]) -> String? {
        for start in words.indices where articles.contains(words[start]) {
            let phrase = words[(start + 1)...].prefix { word in
                !ends.contains(word) && !articles.contains(word) && !word.hasSuffix("ing")
            }
            guard let head = phrase.last, !vague.contains(head), !phrase.contains(where: { placeWords[$0] != nil })
            else { continue }
            return phrase.suffix(mostWords).joined(separator: " ")
        }
        return nil
    }
}
