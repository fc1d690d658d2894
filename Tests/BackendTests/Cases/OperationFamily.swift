import Testing

/// The operations by name, each with its cases; a new operation adds a line here and is then checked on every backend.
enum OperationFamily: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case linear, layerNorm, rmsNorm, headNormRotary, attention, activate, siluGate, accumulate, gatherRows, permute,
        copy
    case convolution, channelNorm, upsampleNearest, channelAffine, guidance, eulerStep

    var testDescription: String { rawValue }

    var cases: [OperationCase] {
        switch self {
        case .linear: LinearCases.all
        case .layerNorm: NormCases.layerNorm
        case .rmsNorm: NormCases.rmsNorm
        case .headNormRotary: RotaryCases.all
        case .attention: AttentionCases.all
        case .activate: PointwiseCases.activate
        case .siluGate: PointwiseCases.siluGate
        case .accumulate: PointwiseCases.accumulate
        case .gatherRows: GatherCases.all
        case .permute: PictureCases.permute
        case .copy: PointwiseCases.copy
        case .convolution: PictureCases.convolution
        case .channelNorm: NormCases.channelNorm
        case .upsampleNearest: PictureCases.upsampleNearest
        case .channelAffine: PointwiseCases.channelAffine
        case .guidance: PointwiseCases.guidance
        case .eulerStep: PointwiseCases.eulerStep
        }
    }
}
