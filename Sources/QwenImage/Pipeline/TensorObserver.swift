import TensorCore

/// Sees tensors as they pass from stage to stage; `--dump` is one.
///
/// A tensor is the stage's own and may be written over as soon as
/// `record` returns: whoever wants to keep it downloads it in the call.
public protocol TensorObserver: AnyObject {
    /// Takes note of a tensor under the name that the golden files have for it, in
    /// the reference's shape with its batch axis. A name may come again: the layers
    /// of a decode and the images of a job follow each other along the first axis.
    func record(_ name: String, _ tensor: Tensor) throws(TensorError)
}

extension Tensor {
    /// The reference's shape of a sequence [S, C]: a batch of one.
    var batchOfOne: Tensor { reshaped(Shape([1] + shape.dimensions)) }

    /// The reference's shape of a picture [C, H, W]: a batch of one with one frame, [1, C, 1, H, W].
    var oneFrame: Tensor { reshaped([1, shape[0], 1, shape[1], shape[2]]) }
}
