import CLayerFitting
import ImageCodecs

/// One stack on its way to the picture's size.
struct Fitting {
    private let picture: PixelBuffer
    private let plan: FitPlan
    private let cleanUp: AlphaCleanUp?
    private let repairsRegions: Bool
    private let count: Int
    /// [count, height, width, 4], straight RGBA.
    private let layers: FitBuffer<UInt8>
    /// [count, height, width].
    private let alpha: FitBuffer<UInt8>

    /// Layers of the plan's model size.
    init(
        _ layers: [PixelBuffer], picture: PixelBuffer, plan: FitPlan, cleanUp: AlphaCleanUp?, repairsRegions: Bool
    ) {
        self.picture = picture
        self.plan = plan
        self.cleanUp = cleanUp
        self.repairsRegions = repairsRegions
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
        guard plan.isLarger else { return colored(.planes(alpha, nil)) }
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
        let step = { AlphaStep(from: level, scaleX: scaleX, scaleY: scaleY, radius: radius) }
        let bytes = colored(repairsRegions ? repaired(step) : .step(step))
        // The levels are pointers: what they point to must live until here.
        return withExtendedLifetime((guides, planes)) { bytes }
    }

    /// Alpha at the picture's size, regions of one colour given to one layer each.
    private func repaired(_ step: () -> AlphaStep) -> AlphaSource {
        let (width, height) = (picture.width, picture.height)
        let planes = AlphaPlanes(count: count, width: width, height: height)
        Strips.reading(picture) { source in
            Strips.forEachStrip(of: height) { rows in
                let step = step()
                let guide = FitBuffer<UInt8>(count: width * 4)
                for row in rows {
                    fit_premultiply(source + row * width * 4, guide.values, width)
                    step.write(
                        row: row, guide: guide.values, width: width, to: planes.buffer.values + row * width,
                        plane: width * height)
                }
            }
        }
        let scale = Double(width) / Double(plan.model.width)
        let repair = RegionRepair(planes, of: FlatPicture(picture, scale: scale))
        Strips.forEachStrip(of: height) { repair.apply(to: planes, rows: $0) }
        return .planes(planes.buffer, repair)
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

    /// Where alpha of the picture's size comes from.
    private enum AlphaSource {
        /// [count, height, width], and what it was repaired by.
        case planes(FitBuffer<UInt8>, RegionRepair?)
        /// The last step, of which each thread makes one.
        case step(() -> AlphaStep)
    }

    /// The last step of alpha and the colours, strip by strip.
    private func colored(_ source: AlphaSource) -> [[UInt8]] {
        let (width, height) = (picture.width, picture.height)
        return Strips.reading(picture) { pixels in
            FilledArrays.make(count, count: width * height * 4) { results in
                Strips.forEachStrip(of: height) { rows in
                    let colors = ColorStep(
                        layers: layers.values, count: count, model: plan.model,
                        size: FitPlan.Size(width: width, height: height), cleanUp: cleanUp)
                    switch source {
                    case .planes(let alpha, let repair):
                        for row in rows {
                            colors.write(
                                row: row, picture: pixels, alpha: alpha.values + row * width, plane: width * height,
                                to: results)
                        }
                        repair?.settleColors(in: results, rows: rows)
                    case .step(let step):
                        let step = step()
                        let line = FitBuffer<UInt8>(count: count * width)
                        let guide = FitBuffer<UInt8>(count: width * 4)
                        for row in rows {
                            fit_premultiply(pixels + row * width * 4, guide.values, width)
                            step.write(row: row, guide: guide.values, width: width, to: line.values, plane: width)
                            colors.write(row: row, picture: pixels, alpha: line.values, plane: width, to: results)
                        }
                    }
                }
            }
        }
    }
}
