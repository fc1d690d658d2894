import TensorCore

/// Is shown intermediate tensors under the names that the reference's goldens use; for `--dump` and for tests.
public protocol TensorObserver: AnyObject {
    /// Called with a tensor whose contents are ready and will change afterwards: copy what is to be kept.
    func record(_ name: String, _ tensor: Tensor) throws(TensorError)
}
