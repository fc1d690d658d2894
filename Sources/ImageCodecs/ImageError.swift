/// Everything that reading, resizing or writing a picture can refuse.
public enum ImageError: Error, Sendable, Equatable {
    /// The input has no bytes at all.
    case emptyInput
    /// The first bytes are of no picture format that is known here.
    case notAPicture
    /// A picture, but of a format that is not read here.
    case unsupportedFormat(ImageFormat)
    /// A picture of a format that is read here, with a feature that is not.
    case unsupportedFeature(ImageFormat, detail: String)
    /// The data ends before the picture does.
    case truncated(ImageFormat)
    /// The data contradicts its own format; `detail` is the codec's reason.
    case damaged(ImageFormat, detail: String)
    /// More than one frame.
    case animated(ImageFormat, frames: Int)
    /// The file is larger than the caller allows.
    case inputTooLarge(byteCount: Int, limit: Int)
    /// A side of the picture is longer than the caller allows.
    case sideTooLong(width: Int, height: Int, limit: Int)
    /// The picture has more pixels than the caller allows.
    case tooManyPixels(width: Int, height: Int, limit: Int)
    /// A size that no picture can have, or that is beyond what an operation makes.
    case invalidSize(width: Int, height: Int, limit: Int)
    /// Layers and groups of a file, each as large as what is in it, are more pixels than the caller draws.
    case tooMuchToDraw(pixels: Int, limit: Int)
    /// What is wrong with one of several pictures.
    indirect case inPicture(name: String, ImageError)
    /// Pixel bytes do not fit the stated size.
    case byteCountMismatch(expected: Int, actual: Int)
    /// Layers of a stack that are to be fitted have different sizes.
    case layerSizeMismatch(layer: String, expectedWidth: Int, expectedHeight: Int, actualWidth: Int, actualHeight: Int)
    /// Layers, entries or texts outside the number that the format holds.
    case countOutOfRange(what: String, count: Int, limit: Int)
    /// The file has `count` pictures, 1 being the first, and not that one.
    case noPicture(number: Int, count: Int)
    /// A name that the format cannot hold.
    case invalidName(String, reason: String)
    /// The result would pass a limit of its format.
    case outputTooLarge(format: String, limit: String)
    /// A file of layers was expected.
    case noLayers
    /// The format has no words for something in the picture.
    case cannotHold(format: String, what: String)
    /// A codec library refused something that it should take (usually: no memory).
    case codecFailure(operation: String, detail: String)
}

extension ImageError: CustomStringConvertible {
    /// One line for a user, with what to do where that helps.
    public var description: String {
        switch self {
        case .emptyInput, .notAPicture, .unsupportedFormat, .unsupportedFeature, .truncated, .damaged, .animated:
            return inputDescription
        case .inputTooLarge(let byteCount, let limit):
            return "the file has \(byteCount) bytes, the limit is \(limit); send a smaller or more compressed picture"
        case .sideTooLong(let width, let height, let limit):
            return "the picture is \(width) x \(height) pixels, a side may have at most \(limit); scale it down first"
        case .tooManyPixels(let width, let height, let limit):
            return "the picture has \(width) x \(height) pixels, the limit is \(limit) in all; scale it down first"
        case .invalidSize(let width, let height, let limit):
            return "\(width) x \(height) is not a size that can be made here; each side must be from 1 to \(limit)"
        case .tooMuchToDraw(let pixels, let limit):
            return "layers and groups have \(pixels) pixels on the canvas together, the limit is \(limit); "
                + "merge some, or make the canvas smaller"
        case .inPicture(let name, let error): return "\"\(name)\": \(error)"
        case .byteCountMismatch(let expected, let actual):
            return "the picture's size needs \(expected) bytes, there are \(actual)"
        case .layerSizeMismatch(let layer, let expectedWidth, let expectedHeight, let actualWidth, let actualHeight):
            return "\(layer) is \(actualWidth) x \(actualHeight), the first one is "
                + "\(expectedWidth) x \(expectedHeight); all layers must be of one size"
        case .countOutOfRange(let what, let count, let limit):
            return "\(count) \(what), but the format holds from 1 to \(limit)"
        case .noPicture(let number, let count):
            return "there is no image \(number); the file has \(count == 1 ? "one" : "1 to \(count)")"
        case .invalidName(let name, let reason):
            return "the name \"\(name)\" cannot be used: \(reason)"
        case .outputTooLarge(let format, let limit):
            return "the result is too large for \(format) (\(limit)); make it smaller or choose another format"
        case .noLayers:
            return "the file has no layers that are read here; send PSD, PSB, OpenRaster, or a ZIP with manifest.json"
        case .cannotHold(let format, let what):
            return "\(format) cannot hold \(what); choose another format, such as PSD"
        case .codecFailure(let operation, let detail):
            return "\(operation) failed: \(detail)"
        }
    }

    private var inputDescription: String {
        let readable = "send PNG, JPEG or WebP"
        switch self {
        case .emptyInput: return "the file is empty (0 bytes); \(readable)"
        case .notAPicture: return "the file is not a picture; \(readable)"
        case .unsupportedFormat(let format) where format == .photoshop || format == .zip:
            return "\(format) files are not pictures here; recompose makes one picture of layers, or \(readable)"
        case .unsupportedFormat(let format): return "\(format) pictures are not supported; \(readable)"
        case .unsupportedFeature(let format, let detail): return "this kind of \(format) is not supported: \(detail)"
        case .truncated(let format): return "the \(format) file is truncated: it ends before the picture does"
        case .damaged(let format, let detail): return "the \(format) file is damaged: \(detail)"
        case .animated(let format, let frames):
            return "the \(format) file is an animation (frames: \(frames)); send a single picture"
        default: return "the file cannot be read"
        }
    }
}
