import TensorCore

/// The forms that the components' large matrices are converted to while they are loaded; nil for as they are stored.
public struct WeightForms: Sendable, Hashable {
    /// Of the text encoder, and of the transformer.
    public let textEncoder: WeightForm?
    public let transformer: WeightForm?

    /// All alike.
    public init(_ form: WeightForm? = nil) {
        textEncoder = form
        transformer = form
    }

    /// - Parameter isRotated: as for `WeightForm`, for each that is quantised.
    public init(_ precisions: ComponentPrecisions, isRotated: Bool?) {
        textEncoder = precisions.textEncoder.map { WeightForm($0, isRotated: isRotated) }
        transformer = precisions.transformer.map { WeightForm($0, isRotated: isRotated) }
    }

    /// Those that something is converted to, each once.
    public var all: Set<WeightForm> { Set([textEncoder, transformer].compactMap(\.self)) }
}
