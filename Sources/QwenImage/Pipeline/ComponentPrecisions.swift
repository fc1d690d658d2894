import TensorCore

/// What the large matrices of a model are asked to be held in, by component; nil for as they are stored.
public struct ComponentPrecisions: Sendable, Hashable {
    /// Of the text encoder, and of the transformer: the components that have such matrices.
    public var textEncoder: WeightPrecision?
    public var transformer: WeightPrecision?

    /// As they are stored, or all alike.
    public init(_ precision: WeightPrecision? = nil) {
        textEncoder = precision
        transformer = precision
    }

    /// Reads `int4`, which is for all components, or `text_encoder=int4,transformer=fp8`, where one that is left out
    /// stays as it is stored.
    ///
    /// Throws the first name that is none.
    public init(text: String) throws(ComponentPrecisionError) {
        if let precision = WeightPrecision(rawValue: text) {
            self.init(precision)
            return
        }
        self.init()
        var seen: Set<ModelQuantizer.Part> = []
        for entry in text.split(separator: ",", omittingEmptySubsequences: false) {
            let sides = entry.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                .map { $0.drop { $0 == " " } }
            guard sides.count == 2 else { throw .form(String(entry)) }
            // The options that take such components are spelt with a hyphen.
            guard let part = ModelQuantizer.Part(rawValue: String(sides[0]).replacing("-", with: "_")) else {
                throw .component(String(sides[0]))
            }
            guard let precision = WeightPrecision(rawValue: String(sides[1])) else {
                throw .precision(String(sides[1]))
            }
            guard seen.insert(part).inserted else { throw .repeated(part.rawValue) }
            switch part {
            case .textEncoder: textEncoder = precision
            case .transformer: transformer = precision
            }
        }
    }

    /// True if one is in elements that need scales.
    public var areQuantized: Bool { [textEncoder, transformer].contains { $0?.isQuantized == true } }
}

extension ComponentPrecisions: CustomStringConvertible {
    /// As `init(text:)` reads it; `stored` if nothing is converted.
    public var description: String {
        if textEncoder == transformer { return transformer?.rawValue ?? "stored" }
        let parts: [(ModelQuantizer.Part, WeightPrecision?)] = [
            (.textEncoder, textEncoder), (.transformer, transformer),
        ]
        return parts.compactMap { part, precision in precision.map { "\(part.rawValue)=\($0.rawValue)" } }
            .joined(separator: ",")
    }
}

/// What is wrong with a text of precisions.
public enum ComponentPrecisionError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Neither a precision nor one for a component.
    case form(String)
    /// Not the name of a component that has such matrices.
    case component(String)
    /// Not a precision.
    case precision(String)
    /// A component that is there twice.
    case repeated(String)

    /// What such a text has to be.
    public static let expected =
        "one of \(precisions), or one for a component each, as in text_encoder=int4,transformer=fp8"

    private static let precisions = WeightPrecision.allCases.map(\.rawValue).joined(separator: ", ")

    public var description: String {
        switch self {
        case .form(let text): "'\(text)' is none; it must be \(Self.expected)"
        case .component(let name):
            "'\(name)' is no component with large matrices; those are "
                + ModelQuantizer.Part.allCases.map(\.rawValue).sorted().joined(separator: " and ")
        case .precision(let name): "'\(name)' is no precision; there are \(Self.precisions)"
        case .repeated(let name): "'\(name)' is there twice"
        }
    }
}
