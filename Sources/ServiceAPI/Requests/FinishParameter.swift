import LayerFitting

/// What is to become of the model's layers, as requests spell it.
enum FinishParameter: String, Sendable, CaseIterable {
    case fit
    case cleanUp = "clean_up"
    case emptyBelow = "empty_below"
    case opaqueAbove = "opaque_above"
    case speckArea = "speck_area"
    case emptyLayers = "empty_layers"

    /// What its values are in JSON.
    var jsonKind: RequestJSON.Kind {
        switch self {
        case .fit, .emptyLayers: .string
        case .cleanUp: .boolean
        case .emptyBelow, .opaqueAbove, .speckArea: .number
        }
    }
}

/// Gathers what is to become of the layers.
struct FinishReader: Sendable {
    private var finish = LayerFinish()
    private var cleansUp = true
    private var limits = AlphaCleanUp()
    private var seen: Set<FinishParameter> = []

    /// What was asked for; `mergesLayers` if the stack is made with room.
    func finish(mergesLayers: Bool) -> LayerFinish {
        var finish = finish
        finish.cleanUp = cleansUp ? limits : nil
        finish.mergesLayers = mergesLayers
        return finish
    }

    /// Takes one parameter; throws if it is repeated or cannot be read.
    mutating func set(_ parameter: FinishParameter, _ text: String) throws(ServiceError) {
        let name = parameter.rawValue
        guard seen.insert(parameter).inserted else { throw .repeatedParameter(name: name) }
        switch parameter {
        case .fit:
            finish.fit = try ParameterText.choice(text, name, LayerFinish.Fit.allCases.map { ($0.rawValue, $0) })
        case .cleanUp: cleansUp = try ParameterText.boolean(text, name)
        case .emptyBelow: limits.emptyBelow = try ParameterText.integer(text, name, AlphaCleanUp.emptyRange)
        case .opaqueAbove: limits.opaqueAbove = try ParameterText.integer(text, name, AlphaCleanUp.opaqueRange)
        case .speckArea: limits.speckArea = try ParameterText.integer(text, name, AlphaCleanUp.speckRange)
        case .emptyLayers:
            finish.emptyLayers = try ParameterText.choice(
                text, name, LayerFinish.EmptyLayers.allCases.map { ($0.rawValue, $0) })
        }
    }
}
