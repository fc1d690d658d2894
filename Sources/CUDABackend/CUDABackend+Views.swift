import CCUDA
import TensorCore

extension CUDABackend {
    /// The tensor as it lies; arithmetic waits for a copy that is still filling it.
    func view(_ tensor: Tensor) throws(TensorError) -> View {
        let storage = tensor.cuda
        if let arrival = storage.arrival {
            try arrival.hold(device.compute)
            storage.arrival = nil
        }
        let elements = tensor.elements
        return View(
            address: storage.address + UInt64(tensor.offset * elements.byteCount), elements: elements)
    }

    func view(_ tensor: Tensor?) throws(TensorError) -> View {
        guard let tensor else { return .none }
        return try view(tensor)
    }

    /// The tensor's values as float32 or bfloat16: in place if they lie so, else in a copy that lives until the
    /// operation was asked for.
    func readable(_ tensor: Tensor, as elements: Elements) throws(TensorError) -> View {
        let view = try view(tensor)
        if view.elements == elements { return view }
        let copy = try scratch(tensor.elementCount, elements, operation: "a copy in another type")
        let target = View(address: copy.address, elements: elements)
        try convert(view, to: target, count: tensor.elementCount)
        return target
    }

    /// Copies elements from one type to another.
    func convert(_ from: View, to: View, count: Int) throws(TensorError) {
        guard count > 0 else { return }
        let vector = vectorWidth(count, from, to)
        try launch(
            .elements, "activation_\(vector)", .pieces((count + vector - 1) / vector), from, to, Int32(0), Int64(count))
    }

    /// The output of an operation, and how its elements are to lie: as they do if something of the storage stays, else
    /// in bfloat16 if the storage is large and the precision allows it.
    ///
    /// - Parameter inputs: what the operation reads; elements that change their place must not be among them.
    func target(_ output: Tensor, reading inputs: Tensor?...) throws(TensorError) -> View {
        let storage = output.cuda
        let isRead = inputs.contains { $0?.storage === output.storage }
        if storage.elements == nil || (output.isWhole && !isRead) {
            let isLarge = storage.byteCount / 4 >= options.narrowElements
            storage.elements = options.precision == .bfloat16 && isLarge ? .bfloat16 : .float32
        }
        return try view(output)
    }

    /// Eight if vectors of eight elements may be moved at once, else one. `count` elements make a row.
    func vectorWidth(_ count: Int, _ views: View...) -> Int {
        count % 8 == 0 && views.allSatisfy(\.isAligned) ? 8 : 1
    }

    /// Starts a kernel with arguments that are views, numbers, addresses or lists of 64-bit integers.
    func launch<each Argument>(
        _ program: KernelSource, _ name: String, _ shape: LaunchShape, _ argument: repeat each Argument
    ) throws(TensorError) {
        guard holdsData else { return }
        var arguments = KernelArguments()
        for value in repeat each argument {
            switch value {
            case let view as View: arguments.append(view)
            case let values as [Int64]: arguments.append(values)
            case let value as Int32: arguments.append(value)
            case let value as Int64: arguments.append(value)
            case let value as UInt64: arguments.append(value)
            case let value as Float: arguments.append(value)
            default: preconditionFailure("\(name): a kernel takes no \(type(of: value))")
            }
        }
        let function = try kernels.kernel(program, name, sharedBytes: shape.sharedBytes)
        let code = arguments.withPointers {
            device.driver.cuLaunchKernel(
                function, UInt32(shape.grid.x), UInt32(shape.grid.y), 1, UInt32(shape.block.x), UInt32(shape.block.y),
                1,
                UInt32(shape.sharedBytes), device.compute, $0, nil)
        }
        guard code != 0 else { return }
        let grid = "\(shape.grid.x) x \(shape.grid.y) blocks of \(shape.block.x) x \(shape.block.y)"
        try device.check(code, "cuLaunchKernel(\(name), \(grid), \(shape.sharedBytes) bytes shared)")
    }
}

extension Activation {
    /// The kernels' number for it.
    var kernelCode: Int32 {
        switch self {
        case .none: 0
        case .silu: 1
        case .geluTanh: 2
        case .gelu: 3
        }
    }
}
