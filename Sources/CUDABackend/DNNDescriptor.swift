import CCUDA

/// A descriptor of cuDNN's graph API.
final class DNNDescriptor {
    /// Of operands' addresses, in bytes.
    static let alignment = 16

    let handle: UnsafeMutableRawPointer
    private let functions: MicaCUDNN
    private let type: Int32

    /// Nil if cuDNN is too old to know the type.
    init?(_ functions: MicaCUDNN, _ type: Int32) {
        var handle: UnsafeMutableRawPointer?
        let code = functions.cudnnBackendCreateDescriptor(type, &handle)
        guard code == 0, let handle else {
            CUDALog.note("cudnnBackendCreateDescriptor(\(type)) answered \(code)")
            return nil
        }
        self.handle = handle
        self.functions = functions
        self.type = type
    }

    deinit {
        _ = functions.cudnnBackendDestroyDescriptor(handle)
    }

    /// False if cuDNN refuses the attribute.
    func set<Element: BitwiseCopyable>(_ name: Int32, _ type: Int32, _ elements: [Element]) -> Bool {
        let code = elements.withUnsafeBytes {
            functions.cudnnBackendSetAttribute(handle, name, type, Int64(elements.count), $0.baseAddress)
        }
        if code != 0 { CUDALog.note("cudnnBackendSetAttribute(\(name)) answered \(code)") }
        return code == 0
    }

    /// As many elements as there are, up to as many as come in; nil if cuDNN refuses.
    func get<Element: BitwiseCopyable>(_ name: Int32, _ type: Int32, into elements: [Element]) -> [Element]? {
        var elements = elements
        var found: Int64 = 0
        let code = elements.withUnsafeMutableBytes { [count = elements.count] in
            functions.cudnnBackendGetAttribute(handle, name, type, Int64(count), &found, $0.baseAddress)
        }
        if code != 0 { CUDALog.note("cudnnBackendGetAttribute(\(name)) answered \(code)") }
        return code == 0 ? Array(elements.prefix(max(Int(found), 0))) : nil
    }

    /// False if cuDNN refuses the whole.
    func finalize() -> Bool {
        let code = functions.cudnnBackendFinalize(handle)
        if code != 0 { CUDALog.note("cudnnBackendFinalize of type \(type) answered \(code)") }
        return code == 0
    }
}

extension DNNDescriptor {
    /// What a tensor of a graph is besides its extents.
    enum Kind {
        /// In device memory.
        case stored
        /// Between two operations, never in memory.
        case virtual
        /// One number, by its address in host memory.
        case byValue
    }

    /// A tensor of a graph; nil if cuDNN refuses it.
    static func tensor(
        _ functions: MicaCUDNN, _ id: Int64, _ type: Int32, _ dimensions: [Int64], _ strides: [Int64],
        _ kind: Kind = .stored
    ) -> DNNDescriptor? {
        guard let tensor = DNNDescriptor(functions, Int32(MICA_DNN_TENSOR)),
            tensor.set(Int32(MICA_DNN_TENSOR_DATA_TYPE), Int32(MICA_DNN_TYPE_DATA_TYPE), [type]),
            tensor.set(Int32(MICA_DNN_TENSOR_DIMENSIONS), Int32(MICA_DNN_TYPE_INT64), dimensions),
            tensor.set(Int32(MICA_DNN_TENSOR_STRIDES), Int32(MICA_DNN_TYPE_INT64), strides),
            tensor.set(Int32(MICA_DNN_TENSOR_ID), Int32(MICA_DNN_TYPE_INT64), [id]),
            tensor.set(Int32(MICA_DNN_TENSOR_ALIGNMENT), Int32(MICA_DNN_TYPE_INT64), [Int64(alignment)]),
            tensor.set(Int32(MICA_DNN_TENSOR_IS_VIRTUAL), Int32(MICA_DNN_TYPE_BOOLEAN), [kind == .virtual]),
            tensor.set(Int32(MICA_DNN_TENSOR_IS_BY_VALUE), Int32(MICA_DNN_TYPE_BOOLEAN), [kind == .byValue]),
            tensor.finalize()
        else { return nil }
        return tensor
    }

    /// Sets descriptors as attributes; false if cuDNN refuses one.
    func set(_ attributes: KeyValuePairs<Int, DNNDescriptor>) -> Bool {
        attributes.allSatisfy { name, value in
            set(Int32(name), Int32(MICA_DNN_TYPE_DESCRIPTOR), [value.handle])
        }
    }
}
