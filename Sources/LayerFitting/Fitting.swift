import CLayerFitting
import ImageCodecs

/// One stack on its way to the picture's size.
struct Fitting {
    private let picture: PixelBuffer
    private let plan: FitPlan
    private let cleanUp: AlphaCleanUp?
    private let count: Int
    /// [count, height, width, 4], straight RGBA.
    private let layers: FitBuffer<UInt8>
    /// [count, height, width].
    private let alpha: FitBuffer<UInt8>

    /// Layers of the plan's model size.
    init(_ layers: [PixelBuffer], picture: PixelBuffer, plan: FitPlan, cleanUp: AlphaCleanUp?) {
        self.picture = picture
        self.plan = plan
        self.cleanUp = cleanUp
        count = layers.count
        let pixels = plan.model.width * plan.model.height
        self.layers = FitBuffer(count: count * pixels * 4)
        alpha = FitBuffer(count: count * pixels)
        for (index, layer) in layers.enumerated() {
            (self.layers.values + index * pixels * 4).update(from: layer.bytes, count: pixels * 4)
            for pixel in 0..<pixels {
                let value = layer.bytes[pixel * 4 + 3]
                alpha.values[index * pixels + pixel] = cleanUp?.cleaned(value) ?? value
            }
        }
    }

    /// The layers' bytes at the picture's size.
    func results() -> [[UInt8]] {
        guard plan.model != plan.sizes[0] || plan.sizes.count > 1 else { return colored { _ in nil } }
        let guides = GuidePyramid(picture, plan: plan)
        var planes = consistentAlpha(guides.model)
        var level = self.level(plan.model, guide: guides.model, alpha: planes)
        var (scaleX, scaleY) = (plan.scaleX, plan.scaleY)
        for (step, guide) in guides.levels.enumerated() {
            let size = plan.sizes[step]
            let finer = FitBuffer<UInt8>(count: count * size.width * size.height)
            Strips.forEachStrip(of: size.height) { rows in
                let step = AlphaStep(from: level, scaleX: scaleX, scaleY: scaleY, radius: FitPlan.radius(ofStep: step))
                for row in rows {
                    step.write(
                        row: row, guide: guide.values + row * size.width * 4, width: size.width,
                        to: finer.values + row * size.width, plane: size.width * size.height)
                }
            }
            planes = finer
            level = self.level(size, guide: guide, alpha: planes)
            (scaleX, scaleY) = (0.5, 0.5)
        }
        let radius = FitPlan.radius(ofStep: guides.levels.count)
        let bytes = colored { _ in AlphaStep(from: level, scaleX: scaleX, scaleY: scaleY, radius: radius) }
        // The levels are pointers: what they point to must live until here.
        return withExtendedLifetime((guides, planes)) { bytes }
    }

    /// The model's alpha, nearer to what the picture at the model's size needs.
    private func consistentAlpha(_ guide: FitBuffer<UInt8>) -> FitBuffer<UInt8> {
        let result = FitBuffer<UInt8>(count: alpha.count)
        let level = level(plan.model, guide: guide, alpha: alpha)
        Strips.forEachRow(of: plan.model.height) { row in
            var level = level
            fit_consistent_row(&level, layers.values, Int32(row), result.values)
        }
        return result
    }

    private func level(_ size: FitPlan.Size, guide: FitBuffer<UInt8>, alpha: FitBuffer<UInt8>) -> fit_level {
        fit_level(
            width: Int32(size.width), height: Int32(size.height), layers: Int32(count), guide: guide.values,
            alpha: alpha.values)
    }

    /// The last step of alpha and the colours, strip by strip; without a step alpha is the layers' own.
    private func colored(_ step: (Range<Int>) -> AlphaStep?) -> [[UInt8]] {
        let (width, height) = (picture.width, picture.height)
        return Strips.reading(picture) { source in
            FilledArrays.make(count, count: width * height * 4) { results in
                Strips.forEachStrip(of: height) { rows in
                    let alphaStep = step(rows)
                    let colors = ColorStep(
                        layers: layers.values, count: count, model: plan.model,
                        size: FitPlan.Size(width: width, height: height), cleanUp: cleanUp)
                    let line = FitBuffer<UInt8>(count: count * width)
                    let guide = FitBuffer<UInt8>(count: width * 4)
                    for row in rows {
                        if let alphaStep {
                            fit_premultiply(source + row * width * 4, guide.values, width)
                            alphaStep.write(row: row, guide: guide.values, width: width, to: line.values, plane: width)
                        } else {
                            for layer in 0..<count {
                                (line.values + layer * width).update(
                                    from: alpha.values + (layer * height + row) * width, count: width)
                            }
                        }
                        colors.write(row: row, picture: source, alpha: line.values, plane: width, to: results)
                    }
                }
            }
        }
    }
}
