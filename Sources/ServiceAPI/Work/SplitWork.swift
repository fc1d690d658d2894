import ImageCodecs

/// A layer of a result that is to be split, as the jobs keep it: the whole picture comes along, since the job that it
/// was of may be gone by then.
struct SplitWork: Codable, Sendable, Equatable {
    /// A layer whose PNG is one of the files that follow each other in the job's body.
    struct Layer: Codable, Sendable, Equatable {
        let name: String
        /// Names of the groups around it, outermost first.
        let groups: [String]
        let byteCount: Int
        /// Where its visible pixels are; nil for an empty layer, and in jobs of older releases.
        let box: ResultManifest.Box?
    }

    let width: Int
    let height: Int
    /// The place of the layer that is split, 0 for the bottom one.
    let index: Int
    let layers: [Layer]

    /// The size of what will be decomposed; nil where that is not known.
    var pictureSize: (width: Int, height: Int)? {
        guard layers.indices.contains(index), let box = layers[index].box,
            let part = LayerSplit.part(of: (box.x, box.y, box.width, box.height), width: width, height: height)
        else { return nil }
        return (part.columns.count, part.rows.count)
    }

    /// What is held and written beside what the layer becomes, told from the boxes.
    var others: OtherLayers {
        let sizes = layers.map { ($0.box?.width ?? 0) * ($0.box?.height ?? 0) * PixelBuffer.channels }
        let all = sizes.reduce(0, +)
        return OtherLayers(
            count: layers.count - 1, pixelBytes: all - (sizes.indices.contains(index) ? sizes[index] : 0),
            heldBytes: layers.reduce(all) { $0 + $1.byteCount }, width: width, height: height)
    }

    /// Reads the picture out of the files; throws if one is no picture, or they do not fit what is said of them.
    func split(_ files: [UInt8], options: DecodeOptions) throws(ServiceError) -> LayerSplit {
        var paths: [(groups: [String], layer: ImageLayer)] = []
        var start = 0
        for layer in layers {
            guard layer.byteCount >= 0, layer.byteCount <= files.count - start else { throw .damagedResult }
            let bytes = Array(files[start..<start + layer.byteCount])
            start += layer.byteCount
            do {
                let pixels = try ImageDecoder.decode(bytes, options: options).pixels
                paths.append((layer.groups, ImageLayer(name: layer.name, pixels: pixels).trimmed()))
            } catch {
                throw .picture(error)
            }
        }
        do {
            let tree = try LayerTree(width: width, height: height, paths: paths)
            guard let split = try LayerSplit(tree, index: index) else { throw ServiceError.emptyLayer(index + 1) }
            return split
        } catch let error as ServiceError {
            throw error
        } catch let error as ImageError {
            throw .picture(error)
        } catch {
            throw .damagedResult
        }
    }
}
