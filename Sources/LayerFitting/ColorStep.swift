import CLayerFitting

/// The last step: the rows of the results that one thread works on.
final class ColorStep {
    private let layers: UnsafePointer<UInt8>
    private let count: Int
    private let model: FitPlan.Size
    private let size: FitPlan.Size
    private let cleanUp: AlphaCleanUp?
    private let rowValues: Int
    // Four rows of the model's layers at the picture's width in turn: row r lies in slot r % 4.
    private let widened: FitBuffer<Float>
    private var held = [-1, -1, -1, -1]

    /// `layers` are [count, model.height, model.width, 4] straight RGBA; results have `size`.
    init(
        layers: UnsafePointer<UInt8>, count: Int, model: FitPlan.Size, size: FitPlan.Size, cleanUp: AlphaCleanUp?
    ) {
        self.layers = layers
        self.count = count
        self.model = model
        self.size = size
        self.cleanUp = cleanUp
        rowValues = count * 4 * size.width
        widened = FitBuffer(count: 4 * rowValues)
    }

    /// Row `row` of every layer; `alpha` holds [count] rows that lie `plane` apart, and `results` are whole pictures.
    func write(
        row: Int, picture: UnsafePointer<UInt8>, alpha: UnsafeMutablePointer<UInt8>, plane: Int,
        to results: [UnsafeMutablePointer<UInt8>]
    ) {
        let place = (Double(row) + 0.5) * Double(model.height) / Double(size.height) - 0.5
        let base = Int(place.rounded(.down))
        let taps = (0..<4).map { UnsafePointer(widened.values + slot(base - 1 + $0) * rowValues) }
        let t = Float(place - Double(base))
        // Catmull-Rom.
        let weights = (
            ((-0.5 * t + 1) * t - 0.5) * t, (1.5 * t - 2.5) * t * t + 1, ((-1.5 * t + 2) * t + 0.5) * t,
            (0.5 * t - 0.5) * t * t
        )
        let offset = row * size.width * 4
        var line = fit_row(
            width: Int32(size.width), layers: Int32(count), picture: picture + offset, alpha: alpha, plane: plane,
            widened: (taps[0], taps[1], taps[2], taps[3]), weights: weights,
            empty: Int32(cleanUp?.emptyBelow ?? 0), opaque: Int32(cleanUp?.opaqueAbove ?? 255))
        let rows = results.map { Optional($0 + offset) }
        fit_color_row(&line, rows)
    }

    /// The slot that holds a row of the model's, clamped.
    private func slot(_ row: Int) -> Int {
        let row = min(max(row, 0), model.height - 1)
        let slot = row % 4
        if held[slot] != row {
            fit_widen_row(
                layers, Int32(count), Int32(model.height), Int32(model.width), Int32(row),
                Double(model.width) / Double(size.width), widened.values + slot * rowValues, Int32(size.width))
            held[slot] = row
        }
        return slot
    }
}
