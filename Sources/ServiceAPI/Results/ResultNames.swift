import ImageCodecs

/// What the files of a result are called, in folders, in archives and where jobs are kept.
public enum ResultNames {
    /// The description of a result.
    public static let description = "result.json"
    /// The description without times, and that of layers that are no model's result.
    public static let manifest = LayerManifest.fileName

    /// A layer without its ending; both numbers count from 0.
    static func layer(_ index: Int, image: Int, of imageCount: Int) -> String {
        imageCount > 1 ? "image_\(image + 1)_layer_\(index + 1)" : "layer_\(index + 1)"
    }

    /// The PSD of an image, counted from 0.
    static func psd(image: Int, of imageCount: Int) -> String {
        imageCount > 1 ? "image_\(image + 1).psd" : "layers.psd"
    }

    /// The contact sheet of an image, counted from 0; `stem` is before it where it lies beside other files.
    public static func sheet(image: Int, of imageCount: Int, stem: String? = nil) -> String {
        (stem.map { $0 + "-" } ?? "") + "sheet" + (imageCount > 1 ? "-\(image + 1)" : "") + ".png"
    }

    /// The folder of a group.
    static func group(id: Int, plainName: String) -> String { "\(id) \(plainName)" }

    /// Whether a file of a result may be called so, the folders around it aside.
    public static func isFile(_ name: String) -> Bool {
        let layer = /(image_[0-9]+_)?layer_[0-9]+\.(png|webp)/
        let other = /(layers|image_[0-9]+)\.psd|sheet(-[0-9]+)?\.png/
        return name == description || name == manifest || name.wholeMatch(of: layer) != nil
            || name.wholeMatch(of: other) != nil
    }

    /// Whether a folder of a result, which stands for a group, may be called so.
    public static func isGroup(_ name: String) -> Bool {
        let number = name.prefix { $0.isASCII && $0.isNumber }
        return !number.isEmpty && name.dropFirst(number.count).first == " "
    }
}
