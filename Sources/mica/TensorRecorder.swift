import Foundation
import QwenImage
import TensorCore
import Weights

/// Keeps intermediates for `--dump`, under the names that the reference's goldens use.
///
/// A name that comes again (the layers of one decode, the images of one job) is continued along the first axis.
final class TensorRecorder: TensorObserver {
    private struct Entry {
        var shape: [Int]
        var values: [Float]
    }

    private let devices: [any Backend]
    private var entries: [String: Entry] = [:]

    /// - Parameter devices: those that tensors may lie on.
    init(devices: [any Backend]) {
        self.devices = devices
    }

    func record(_ name: String, _ tensor: Tensor) throws(TensorError) {
        let device = devices.first { $0.name == tensor.storage.deviceName } ?? devices[0]
        let values = try device.download(tensor)
        if var entry = entries[name] {
            entry.values += values
            entry.shape[0] += tensor.shape[0]
            entries[name] = entry
        } else {
            entries[name] = Entry(shape: tensor.shape.dimensions, values: values)
        }
    }

    /// Writes everything to the file at `path`, which appears whole or not at all.
    func write(to path: String) throws {
        guard case .file(let file) = try WholeFiles.Place(path) else {
            throw CommandError.cannotWrite(path: path, reason: "safetensors are written to files only")
        }
        let tensors = entries.sorted { $0.key < $1.key }.map { name, entry in
            NamedTensor(name: name, shape: Shape(entry.shape), floats: entry.values)
        }
        try SafetensorsWriter.write(tensors, to: URL(fileURLWithPath: file))
    }
}
