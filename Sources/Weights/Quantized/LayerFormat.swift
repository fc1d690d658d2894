import TensorCore

/// How a file says that a layer's weight is quantised: a small JSON object, `{"format": "int8_tensorwise", ...}`.
///
/// It stands as bytes in a tensor `<layer>.comfy_quant`, or for all layers together in the header's text
/// `_quantization_metadata`, `{"format_version": "1.0", "layers": {"<layer>": {...}}}`. Mica's own files have the
/// latter.
struct LayerFormat: Sendable, Equatable {
    /// The formats that are read.
    enum Kind: String, CaseIterable {
        case e4m3 = "float8_e4m3fn"
        case e4m3Rows = "float8_e4m3fn_rowwise"
        case e5m2 = "float8_e5m2"
        case int8 = "int8_tensorwise"
        case int8Rows = "int8_rowwise"
        /// Mica's own: see `Quantization`.
        case int4 = "mica_int4"
    }

    /// Of the elements; uint8 in the file for int4.
    let dtype: DType
    /// Runs of features that are rotated; 1 for none.
    var rotationSize = 1
    /// Elements of a row of int4, if it is said.
    var columns: Int?

    /// Longest description of one layer, in bytes.
    static let limitBytes = 4096
    /// Most layers of a file.
    private static let layerLimit = 100_000
    /// The rotation of a file that says that it is rotated, and no more.
    private static let usualRotation = 256

    private init(dtype: DType) {
        self.dtype = dtype
    }

    /// Reads one layer's description.
    static func read(_ json: [UInt8]) throws(QuantizationProblem) -> LayerFormat {
        guard json.count <= limitBytes else {
            throw .descriptionTooLong(limitBytes: limitBytes, foundBytes: json.count)
        }
        var reader = JSONReader(json, limits: .init(members: 64))
        let raw: Raw
        do throws(JSONProblem) {
            raw = try Raw(&reader)
            try reader.finish()
        } catch {
            throw .descriptionInvalid(error)
        }
        return try format(raw)
    }

    /// Reads the descriptions of all layers, each under its layer's name; an unknown format is an error of its layer.
    static func readAll(
        _ text: String
    ) throws(QuantizationProblem) -> [String: Result<LayerFormat, QuantizationProblem>] {
        var reader = JSONReader(Array(text.utf8), limits: .init(members: layerLimit))
        do throws(JSONProblem) {
            var layers: [String: Result<LayerFormat, QuantizationProblem>]?
            var object = try reader.beginObject()
            while let key = try reader.nextKey(of: &object) {
                guard key == "layers" else {
                    try reader.skipValue()
                    continue
                }
                var found: [String: Result<LayerFormat, QuantizationProblem>] = [:]
                var members = try reader.beginObject()
                while let layer = try reader.nextKey(of: &members) {
                    found[layer] = result(try Raw(&reader))
                }
                layers = found
            }
            try reader.finish()
            guard let layers else { throw JSONProblem.missingKey("layers") }
            return layers
        } catch {
            throw .descriptionInvalid(error)
        }
    }

    /// The object as it stands.
    private struct Raw {
        var format: String?
        var isRotated = false
        var rotationSize: Int?
        var columns: Int?

        init(_ reader: inout JSONReader) throws(JSONProblem) {
            var object = try reader.beginObject()
            while let key = try reader.nextKey(of: &object) {
                switch key {
                case "format": format = try reader.readText(atMost: 256)
                case "convrot": isRotated = try reader.readBoolean()
                case "convrot_groupsize": rotationSize = try reader.readInteger()
                case "in_features": columns = try reader.readInteger()
                default: try reader.skipValue()
                }
            }
        }
    }

    private static func result(_ raw: Raw) -> Result<LayerFormat, QuantizationProblem> {
        do throws(QuantizationProblem) {
            return .success(try format(raw))
        } catch {
            return .failure(error)
        }
    }

    private static func format(_ raw: Raw) throws(QuantizationProblem) -> LayerFormat {
        guard let name = raw.format else { throw .descriptionInvalid(.missingKey("format")) }
        guard let kind = Kind(rawValue: name) else { throw .unknownFormat(name) }
        var format =
            switch kind {
            case .e4m3, .e4m3Rows: LayerFormat(dtype: .float8E4M3)
            case .e5m2: LayerFormat(dtype: .float8E5M2)
            case .int8, .int8Rows: LayerFormat(dtype: .int8)
            case .int4: LayerFormat(dtype: .int4)
            }
        if raw.isRotated { format.rotationSize = raw.rotationSize ?? usualRotation }
        format.columns = raw.columns
        return format
    }
}

extension LayerFormat {
    /// How a file of Mica's own describes a matrix; nil for elements that are values.
    static func description(dtype: DType, isWhole: Bool, columns: Int, rotation: HadamardRotation?) -> String? {
        let kind: Kind
        switch dtype {
        case .float8E4M3: kind = isWhole ? .e4m3 : .e4m3Rows
        case .float8E5M2: kind = .e5m2
        case .int8: kind = .int8
        case .int4: kind = .int4
        default: return nil
        }
        var members = ["\"format\":\"\(kind.rawValue)\"", "\"in_features\":\(columns)"]
        if kind == .int8, !isWhole { members.append("\"per_row\":true") }
        if kind == .int4 { members.append("\"group_size\":\(Quantization.groupSize)") }
        if let rotation { members += ["\"convrot\":true", "\"convrot_groupsize\":\(rotation.size)"] }
        return "{\(members.joined(separator: ","))}"
    }
}
