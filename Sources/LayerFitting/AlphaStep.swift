import CLayerFitting

/// One step of alpha from a size to a finer one, and the rows of it that one thread works on.
final class AlphaStep {
    private let level: fit_level
    private let scaleX: Double
    private let scaleY: Double
    private let radius: Int
    private let modelValues: Int
    private let flagValues: Int
    // Two rows of the coarse model in turn: row r lies in slot r % 2.
    private let models: FitBuffer<Float>
    private let flags: FitBuffer<UInt8>
    private let constants: FitBuffer<UInt8>
    private var held = [-1, -1]

    /// A step from `level`, a pixel of which is `1 / scale` pixels of the finer size.
    init(from level: fit_level, scaleX: Double, scaleY: Double, radius: Int) {
        self.level = level
        self.scaleX = scaleX
        self.scaleY = scaleY
        self.radius = radius
        let blocks = (Int(level.width) + Int(FIT_BLOCK) - 1) / Int(FIT_BLOCK)
        modelValues = Int(level.layers) * Int(FIT_MODEL_VALUES) * Int(level.width)
        flagValues = Int(level.layers) * blocks
        models = FitBuffer(count: 2 * modelValues)
        flags = FitBuffer(count: 2 * flagValues)
        constants = FitBuffer(count: 2 * flagValues)
    }

    /// Row `row` of the finer size: `guide` is its picture, [width, 4] premultiplied; alpha goes to [layers] rows
    /// that lie `plane` values apart.
    func write(
        row: Int, guide: UnsafePointer<UInt8>, width: Int, to alpha: UnsafeMutablePointer<UInt8>, plane: Int
    ) {
        let place = max((Double(row) + 0.5) * scaleY - 0.5, 0)
        let upper = min(Int(place), Int(level.height) - 1)
        let lower = min(upper + 1, Int(level.height) - 1)
        let (first, second) = (slot(upper), slot(lower))
        var rows = fit_rows(
            width: level.width, layers: level.layers,
            model: (models.values + first * modelValues, models.values + second * modelValues),
            flags: (
                UnsafePointer(flags.values + first * flagValues), UnsafePointer(flags.values + second * flagValues)
            ),
            constants: (
                UnsafePointer(constants.values + first * flagValues),
                UnsafePointer(constants.values + second * flagValues)
            ),
            share: Float(place - Double(upper)))
        fit_alpha_row(&rows, guide, scaleX, alpha, plane, Int32(width))
    }

    /// The slot that holds the model of a coarse row.
    private func slot(_ row: Int) -> Int {
        let slot = row % 2
        if held[slot] != row {
            var level = level
            fit_model_row(
                &level, Int32(row), Int32(radius), models.values + slot * modelValues,
                flags.values + slot * flagValues, constants.values + slot * flagValues)
            held[slot] = row
        }
        return slot
    }
}
