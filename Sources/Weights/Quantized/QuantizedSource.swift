import TensorCore

/// A checkpoint whose matrices may be quantised, in any of the dressings in circulation: shows each with its scales,
/// and hides what describes them.
///
/// - `_quantization_metadata` in the header or a tensor `<layer>.comfy_quant` names the format, `<layer>.weight_scale`
///   has the scale (`<layer>.input_scale` is for other engines);
/// - older files have a tensor `scaled_fp8`, and `<layer>.scale_weight`;
/// - a weight of 8-bit floats without a scale is a plain cast, its elements are its values.
public struct QuantizedSource: TensorSource {
    /// The names without those of scales and descriptions, sorted.
    public let names: [String]
    /// What most of the quantised matrices are; nil if there are none.
    public let precision: WeightPrecision?
    private let source: any TensorSource
    /// By layer; a description that cannot be read stands in the way of its layer alone.
    private let formats: [String: Result<LayerFormat, QuantizationProblem>]
    /// True if every weight of 8-bit floats must have a scale.
    private let needsScales: Bool

    /// What messages call the source.
    public var location: String { source.location }
    /// As the source has them.
    public var headerTexts: [[String: String]] { source.headerTexts }

    static let metadataKey = "_quantization_metadata"
    private static let sentinel = "scaled_fp8"
    private static let weightSuffix = ".weight"
    private static let descriptionSuffix = ".comfy_quant"
    private static let scaleSuffixes = [".weight_scale", ".scale_weight"]
    private static let inputScaleSuffixes = [".input_scale", ".scale_input"]

    /// Looks through a source's names and descriptions; no weight is read.
    ///
    /// - Parameter prefixes: what the header's descriptions may have before a layer's name although the source's names
    ///   have it not.
    /// - Throws: `quantization` for a header whose descriptions are not as they should be.
    public init(_ source: any TensorSource, prefixes: [String] = []) throws(WeightsError) {
        let formats = try Self.formats(in: source, prefixes)
        self.source = source
        self.formats = formats
        needsScales = source.contains(Self.sentinel)
        names = source.names.filter { !Self.isAuxiliary($0, in: source) }
        precision = try Self.precision(of: source, names)
    }

    /// True for a tensor that is not auxiliary.
    public func contains(_ name: String) -> Bool {
        source.contains(name) && !Self.isAuxiliary(name, in: source)
    }

    /// The tensor, with its scales if it is a quantised matrix. Throws `tensorMissing` or `quantization`.
    public func tensor(named name: String) throws(WeightsError) -> HostTensor {
        try withScales(try source.tensor(named: name), name)
    }

    /// As the other, or throws `wrongShape`.
    public func tensor(named name: String, shape: Shape) throws(WeightsError) -> HostTensor {
        let layer = Self.layer(of: name)
        guard let layer, formats[layer] != nil, source.contains(name) else {
            return try withScales(try source.tensor(named: name, shape: shape), name)
        }
        let tensor = try tensor(named: name)
        guard tensor.shape == shape else {
            throw .wrongShape(tensor: name, file: location, expected: shape, found: tensor.shape)
        }
        return tensor
    }

    /// Those of the source.
    public var mappings: [any HostMemory] { source.mappings }

    // MARK: Scales

    private func withScales(_ stored: HostTensor, _ name: String) throws(WeightsError) -> HostTensor {
        guard let layer = Self.layer(of: name), stored.shape.rank == 2 else { return stored }
        do throws(QuantizationProblem) {
            return try quantized(stored, layer)
        } catch {
            throw .quantization(tensor: name, file: location, problem: error)
        }
    }

    private func quantized(_ stored: HostTensor, _ layer: String) throws(QuantizationProblem)
        -> HostTensor
    {
        let format = try formats[layer]?.get()
        if let format {
            let dtype = format.dtype == .int4 ? .uint8 : format.dtype
            guard stored.dtype == dtype else { throw .wrongDType(expected: dtype, found: stored.dtype) }
        }
        let isFloat = stored.dtype == .float8E4M3 || stored.dtype == .float8E5M2
        guard format != nil || isFloat || stored.dtype == .int8 else { return stored }
        let names = Self.scaleSuffixes.map { layer + $0 }
        guard let name = names.first(where: source.contains),
            let scale = try? source.tensor(named: name)
        else {
            guard format == nil, isFloat, !needsScales else { throw .scaleMissing(names: names) }
            return stored
        }
        if format?.dtype == .int4 { return try grouped(stored, format?.columns, scale, name, format) }
        let scales = try Self.rowScales(scale, name, rows: stored.shape[0])
        return HostTensor(
            memory: stored.memory, byteOffset: stored.byteOffset, shape: stored.shape,
            dtype: stored.dtype,
            quantization: Quantization(
                scales: scales, rotation: try Self.rotation(format, columns: stored.shape[1])))
    }

    private func grouped(
        _ stored: HostTensor, _ columns: Int?, _ scale: HostTensor, _ name: String,
        _ format: LayerFormat?
    ) throws(QuantizationProblem) -> HostTensor {
        // A row of an odd number of elements has half a byte to spare.
        let bytes = stored.shape[1]
        let columns = columns ?? 2 * bytes
        guard columns / 2 + columns % 2 == bytes else {
            throw .wrongRowLength(columns: columns, bytes: bytes)
        }
        let shape: Shape = [stored.shape[0], columns]
        let expected: Shape = [shape[0], Quantization.groupCount(columns: columns)]
        guard scale.dtype == .bfloat16 else { throw .wrongScaleDType(name: name, found: scale.dtype) }
        guard scale.shape == expected else {
            throw .wrongScaleShape(name: name, expected: [expected], found: scale.shape)
        }
        return HostTensor(
            memory: stored.memory, byteOffset: stored.byteOffset, shape: shape, dtype: .int4,
            quantization: Quantization(
                scales: scale, rotation: try Self.rotation(format, columns: columns)))
    }

    /// The scale for all as [], those of rows as [N].
    private static func rowScales(
        _ scale: HostTensor, _ name: String, rows: Int
    ) throws(QuantizationProblem) -> HostTensor {
        guard scale.dtype == .float32 || scale.dtype == .bfloat16 || scale.dtype == .float16 else {
            throw .wrongScaleDType(name: name, found: scale.dtype)
        }
        let result: HostTensor
        switch scale.shape {
        case [], [1], [1, 1]: result = scale.reshaped([])
        case [rows], [rows, 1]: result = scale.reshaped([rows])
        default:
            throw .wrongScaleShape(name: name, expected: [[], [rows], [rows, 1]], found: scale.shape)
        }
        let values = try? result.floats()
        if let index = values?.firstIndex(where: { !$0.isFinite }) {
            throw .scaleNotFinite(index: index)
        }
        return result
    }

    private static func rotation(
        _ format: LayerFormat?, columns: Int
    ) throws(QuantizationProblem) -> HadamardRotation? {
        guard let size = format?.rotationSize, size != 1 else { return nil }
        guard let rotation = HadamardRotation(size: size), columns.isMultiple(of: size) else {
            throw .wrongRotation(size: size, columns: columns)
        }
        return rotation
    }

    // MARK: Descriptions

    private static func layer(of name: String) -> String? {
        name.hasSuffix(weightSuffix) ? String(name.dropLast(weightSuffix.count)) : nil
    }

    private static func isAuxiliary(_ name: String, in source: any TensorSource) -> Bool {
        if name == sentinel { return true }
        return ([descriptionSuffix] + scaleSuffixes + inputScaleSuffixes).contains { suffix in
            name.hasSuffix(suffix) && source.contains(name.dropLast(suffix.count) + weightSuffix)
        }
    }

    private static func formats(
        in source: any TensorSource, _ prefixes: [String]
    ) throws(WeightsError) -> [String: Result<LayerFormat, QuantizationProblem>] {
        var formats: [String: Result<LayerFormat, QuantizationProblem>] = [:]
        for text in source.headerTexts.compactMap({ $0[metadataKey] }) {
            do throws(QuantizationProblem) {
                for (given, format) in try LayerFormat.readAll(text) {
                    let prefix =
                        source.contains(given + weightSuffix) ? nil : prefixes.first(where: given.hasPrefix)
                    formats[String(given.dropFirst(prefix?.count ?? 0))] = format
                }
            } catch {
                throw .quantization(tensor: metadataKey, file: source.location, problem: error)
            }
        }
        for name in source.names where name.hasSuffix(descriptionSuffix) {
            let description = try source.tensor(named: name)
            formats[String(name.dropLast(descriptionSuffix.count))] = Self.format(description)
        }
        return formats
    }

    private static func format(_ description: HostTensor) -> Result<LayerFormat, QuantizationProblem> {
        do throws(QuantizationProblem) {
            guard description.byteCount <= LayerFormat.limitBytes else {
                throw .descriptionTooLong(
                    limitBytes: LayerFormat.limitBytes, foundBytes: description.byteCount)
            }
            let range = description.byteOffset..<(description.byteOffset + description.byteCount)
            return .success(try LayerFormat.read(description.memory.withUnsafeBytes { Array($0[range]) }))
        } catch {
            return .failure(error)
        }
    }

    private static func precision(of source: any TensorSource, _ names: [String]) throws(WeightsError)
        -> WeightPrecision?
    {
        var counts: [WeightPrecision: Int] = [:]
        for name in names where name.hasSuffix(weightSuffix) {
            let tensor = try source.tensor(named: name)
            guard tensor.shape.rank == 2 else { continue }
            switch tensor.dtype {
            case .float8E4M3, .float8E5M2: counts[.fp8, default: 0] += 1
            case .int8: counts[.int8, default: 0] += 1
            case .uint8: counts[.int4, default: 0] += 1
            default: continue
            }
        }
        return counts.max { ($0.value, $1.key.rawValue) < ($1.value, $0.key.rawValue) }?.key
    }
}
