import CLayerFitting
import ImageCodecs

/// The picture at the sizes of a plan below its own, colours premultiplied, and at the model's size.
struct GuidePyramid {
    /// [height, width, 4] for each size of the plan but the last.
    let levels: [FitBuffer<UInt8>]
    /// [height, width, 4] at the model's size, by area.
    let model: FitBuffer<UInt8>

    init(_ picture: PixelBuffer, plan: FitPlan) {
        var levels: [FitBuffer<UInt8>] = []
        for index in plan.sizes.indices.dropLast().reversed() {
            let (size, finer) = (plan.sizes[index], plan.sizes[index + 1])
            if let source = levels.last {
                levels.append(Self.halved(source.values, of: finer, to: size, premultiplies: false))
            } else {
                levels.append(
                    Strips.reading(picture) { Self.halved($0, of: finer, to: size, premultiplies: true) })
            }
        }
        self.levels = levels.reversed()
        let first = plan.sizes[0]
        let source = levels.last ?? Strips.reading(picture) { Self.premultiplied($0, first) }
        let model = FitBuffer<UInt8>(count: plan.model.width * plan.model.height * 4)
        Strips.forEachRow(of: plan.model.height) { row in
            fit_area_row(
                source.values, Int32(first.width), Int32(first.height), Double(row) / plan.scaleY,
                Double(row + 1) / plan.scaleY, 1 / plan.scaleX, model.values + row * plan.model.width * 4,
                Int32(plan.model.width))
        }
        self.model = model
    }

    private static func premultiplied(_ source: UnsafePointer<UInt8>, _ size: FitPlan.Size) -> FitBuffer<UInt8> {
        let result = FitBuffer<UInt8>(count: size.width * size.height * 4)
        fit_premultiply(source, result.values, size.width * size.height)
        return result
    }

    private static func halved(
        _ source: UnsafePointer<UInt8>, of finer: FitPlan.Size, to size: FitPlan.Size, premultiplies: Bool
    ) -> FitBuffer<UInt8> {
        let result = FitBuffer<UInt8>(count: size.width * size.height * 4)
        let rowBytes = finer.width * 4
        Strips.forEachStrip(of: size.height) { rows in
            let two = FitBuffer<UInt8>(count: premultiplies ? 2 * rowBytes : 0)
            for row in rows {
                var upper = source + 2 * row * rowBytes
                var lower = source + min(2 * row + 1, finer.height - 1) * rowBytes
                if premultiplies {
                    fit_premultiply(upper, two.values, finer.width)
                    fit_premultiply(lower, two.values + rowBytes, finer.width)
                    (upper, lower) = (UnsafePointer(two.values), UnsafePointer(two.values + rowBytes))
                }
                fit_halve_row(upper, lower, result.values + row * size.width * 4, Int32(finer.width))
            }
        }
        return result
    }
}
