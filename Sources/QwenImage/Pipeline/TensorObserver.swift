import TensorCore

/// Sees tensors as they pass from stage to stage; `--dump` is one.
///
/// A tensor is the stage's own and may be written over as soon as `record` returns: whoever wants to keep it downloads it in the call.
public protocol TensorObserver: AnyObject {
    /// Takes note of a tensor under the name that the golden files have for it.
    func record(_ name: String, _ tensor: Tensor) throws(TensorError)
}
