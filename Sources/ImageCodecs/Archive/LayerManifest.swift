import Foundation

/// The `manifest.json` beside pictures of layers: which file is what, where, and how it is put over those below.
///
/// Other members are passed over, so that the description of a result is one too.
public struct LayerManifest: Codable, Sendable {
    /// A layer; the list is bottom first.
    public struct Layer: Codable, Sendable {
        /// The picture's file, PNG, WebP or JPEG, relative to the manifest.
        public var file: String
        /// What programs show; the file's name if not given.
        public var name: String?
        /// Canvas column and row of the picture's first pixel; 0 if not given.
        public var x: Int?
        public var y: Int?
        /// From 0 to 1; 1 if not given.
        public var opacity: Double?
        /// True if not given.
        public var visible: Bool?
        /// A `BlendMode`; `normal` if not given.
        public var blendMode: String?
        /// Whether it shows only where the layer below does; false if not given.
        public var clipped: Bool?
        /// The `id` of the group it is in, if any.
        public var group: Int?
        /// Which result it belongs to, 1 if not given.
        public var image: Int?

        private enum CodingKeys: String, CodingKey {
            case file, name, x, y, opacity, visible, clipped, group, image
            case blendMode = "blend_mode"
        }
    }

    /// A group. It stands where its layers do; one without layers is not kept.
    public struct Group: Codable, Sendable {
        /// Named by layers and groups in it.
        public var id: Int
        /// What programs show; "group" and the id if not given.
        public var name: String?
        /// The `id` of the group it is in, if any.
        public var group: Int?
        /// From 0 to 1; 1 if not given.
        public var opacity: Double?
        /// True if not given.
        public var visible: Bool?
        /// A `BlendMode`, or `pass-through`; `normal` if not given.
        public var blendMode: String?

        private enum CodingKeys: String, CodingKey {
            case id, name, group, opacity, visible
            case blendMode = "blend_mode"
        }

        /// Every member.
        public init(id: Int, name: String?, group: Int?, opacity: Double?, visible: Bool?, blendMode: String?) {
            self.id = id
            self.name = name
            self.group = group
            self.opacity = opacity
            self.visible = visible
            self.blendMode = blendMode
        }
    }

    /// The file's name in archives and folders.
    public static let fileName = "manifest.json"
    /// The most bytes of a manifest.
    public static let maximumByteCount = 8 << 20
    /// The name of groups that blend with what is below them.
    public static let passThrough = "pass-through"

    /// The canvas in pixels, both or neither; as large as the bottom layer if not given.
    public var width: Int?
    public var height: Int?
    /// Bottom first.
    public var layers: [Layer]
    /// In any order.
    public var groups: [Group]?

    /// Reads a manifest; throws `ImageError.damaged`.
    public init(_ bytes: [UInt8]) throws(ImageError) {
        guard bytes.count <= Self.maximumByteCount else {
            throw .inputTooLarge(byteCount: bytes.count, limit: Self.maximumByteCount)
        }
        do {
            self = try JSONDecoder().decode(LayerManifest.self, from: Data(bytes))
        } catch let error as DecodingError {
            throw .damaged(.layerManifest, detail: Self.reason(error, bytes))
        } catch {
            throw .damaged(.layerManifest, detail: "it is not JSON")
        }
    }

    /// One line, with the member that is wrong.
    private static func reason(_ error: DecodingError, _ bytes: [UInt8]) -> String {
        func path(_ keys: [any CodingKey]) -> String {
            keys.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue.prefix(40))" }.joined()
        }
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            return "\(path(context.codingPath)) has the wrong type"
        case .keyNotFound(let key, let context): return "\(path(context.codingPath)).\(key.stringValue) is missing"
        // Also for a number that is not whole or too large, and then it does not say where.
        case .dataCorrupted where (try? JSONSerialization.jsonObject(with: Data(bytes))) != nil:
            return
                "a number in it is not whole or too large; x, y, width, height, id, group and image are whole numbers"
        case .dataCorrupted: return "it is not JSON"
        @unknown default: return "it is not JSON"
        }
    }
}
