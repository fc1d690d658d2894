import CCUDA
import TensorCore

extension CUDABackend {
    /// Up to this many rows a product is bound by reading the weight, and each warp reads one row of it.
    private static let fewRows = 4
    /// Blocks of the tiled kernel are this many rows and columns.
    private static let tile = 64

    func linear(
        _ input: Tensor, _ weight: Tensor, _ bias: Tensor?, _ activation: Activation, _ output: Tensor
    ) throws(TensorError) {
        let (rows, columns, depth) = (input.shape[0], weight.shape[0], input.shape[1])
        let target = try target(output, reading: input)
        guard rows > 0, columns > 0 else { return }
        if rows <= Self.fewRows {
            let (x, w, b) = (try view(input), try view(weight), try view(bias))
            let vector = vectorWidth(depth, x, w)
            try launch(
                .products, "row_product_\(vector)", LaunchShape(grid: ((columns + 7) / 8, 1), block: (32, 8)), x, w, b,
                target, activation.kernelCode, Int32(rows), Int32(columns), Int32(depth))
            return
        }
        let operands: Elements = options.precision == .bfloat16 ? .bfloat16 : .float32
        let x = try readable(input, as: operands)
        let w = try readable(weight, as: operands)
        try product(
            Product(
                rows: rows, columns: columns, depth: depth, input: x, weight: w, bias: bias, activation: activation),
            target)
    }

    /// Operands of a product, both of one type.
    struct Product {
        let rows: Int
        let columns: Int
        let depth: Int
        let input: View
        let weight: View
        let bias: Tensor?
        let activation: Activation
    }

    /// `target = activation(input · weightᵀ + bias)`, by cuBLASLt if it can.
    func product(_ product: Product, _ target: View) throws(TensorError) {
        if product.depth > 0, try libraryProduct(product, target) { return }
        let isAligned = product.depth % 8 == 0 && product.input.isAligned && product.weight.isAligned
        if product.depth > 0, isAligned, product.input.elements == .bfloat16, product.weight.elements == .bfloat16 {
            return try tensorProduct(product, target)
        }
        let grid = (
            x: (product.rows + Self.tile - 1) / Self.tile, y: (product.columns + Self.tile - 1) / Self.tile
        )
        try launch(
            .products, "product", LaunchShape(grid: grid, block: (256, 1)), product.input, product.weight,
            try view(product.bias), target, product.activation.kernelCode, Int64(product.rows),
            Int32(product.columns), Int32(product.depth))
    }

    /// On the matrix units, without cuBLASLt.
    private func tensorProduct(_ product: Product, _ target: View) throws(TensorError) {
        // Tiles of 128 x 128; three slices of 32 of both operands, rows padded by eight elements.
        let grid = (x: (product.rows + 127) / 128, y: (product.columns + 127) / 128)
        let sharedBytes = 3 * 2 * 128 * (32 + 8) * 2
        try launch(
            .products, "product_bf16", LaunchShape(grid: grid, block: (256, 1), sharedBytes: sharedBytes),
            product.input.address, product.weight.address, try view(product.bias), target,
            product.activation.kernelCode, Int64(product.rows), Int32(product.columns), Int32(product.depth))
    }

    private func libraryProduct(_ product: Product, _ target: View) throws(TensorError) -> Bool {
        guard let products else { return false }
        func run(fusesGELU: Bool, bias: MicaDeviceAddress?) throws(TensorError) -> Bool {
            let addresses = product.input.address | product.weight.address | target.address | (bias ?? 0)
            let key = MatrixProducts.Key(
                rows: product.rows, columns: product.columns, depth: product.depth,
                operands: product.input.elements.libraryType, output: target.elements.libraryType,
                epilogue: Int32(Self.epilogue(fusesGELU: fusesGELU, hasBias: bias != nil)),
                alignment: min(1 << addresses.trailingZeroBitCount, 16))
            return try products.run(
                key, weight: product.weight.address, input: product.input.address, bias: bias ?? 0,
                output: target.address)
        }
        // Its GELU is off by up to 2.8e-6 of the value (measured on an H200), which bfloat16 hides and float32 shows.
        let fusesGELU = product.activation == .geluTanh && product.input.elements != .float32
        let bias = try product.bias.map { (bias) throws(TensorError) in try self.bias(bias, as: target.elements) }
        if try run(fusesGELU: fusesGELU, bias: bias) {
            if product.activation != .none, !fusesGELU {
                try biasActivation(target, nil, product.activation, rows: product.rows, columns: product.columns)
            }
            return true
        }
        // What it does not do behind the sums is done in a pass of its own.
        guard fusesGELU || bias != nil, try run(fusesGELU: false, bias: nil) else { return false }
        try biasActivation(
            target, product.bias, product.activation, rows: product.rows, columns: product.columns)
        return true
    }

    /// cuBLASLt's number of what it does to sums before they are stored.
    static func epilogue(fusesGELU: Bool, hasBias: Bool) -> Int {
        switch (fusesGELU, hasBias) {
        case (true, true): Int(MICA_EPILOGUE_GELU_BIAS)
        case (true, false): Int(MICA_EPILOGUE_GELU)
        case (false, true): Int(MICA_EPILOGUE_BIAS)
        case (false, false): Int(MICA_EPILOGUE_DEFAULT)
        }
    }

    /// Bias and activation in place on [rows, columns].
    func biasActivation(
        _ target: View, _ bias: Tensor?, _ activation: Activation, rows: Int, columns: Int
    ) throws(TensorError) {
        let b = try view(bias)
        let vector = vectorWidth(columns, target, b)
        try launch(
            .elements, "bias_activation_\(vector)", .rows(rows, pieces: columns / vector), target, b,
            activation.kernelCode, Int64(rows), Int32(columns))
    }

    /// The address of a bias in the output's type, as cuBLASLt's epilogue wants it; a rounded copy is made once.
    func bias(_ bias: Tensor, as elements: Elements) throws(TensorError) -> MicaDeviceAddress {
        let view = try view(bias)
        if view.elements == elements { return view.address }
        let storage = bias.cuda
        if elements == .bfloat16, storage.elements == .float32 {
            let count = storage.byteCount / 4
            if storage.rounded == nil {
                let rounded = try CUDAStorage(count * 2, pool: pool, operation: "a bias", elements: .bfloat16)
                try convert(
                    View(address: storage.address, elements: .float32),
                    to: View(address: rounded.address, elements: .bfloat16), count: count)
                storage.rounded = rounded
            }
            if let rounded = storage.rounded { return rounded.address + UInt64(bias.offset * 2) }
        }
        return try readable(bias, as: elements).address
    }
}

extension Elements {
    /// cuBLASLt's number for the type.
    var libraryType: Int32 {
        switch self {
        case .float32: Int32(MICA_R_32F)
        case .bfloat16: Int32(MICA_R_16BF)
        case .float16: Int32(MICA_R_16F)
        }
    }
}
