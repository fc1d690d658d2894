import CKernels

/// What multiplies matrices of bfloat16 and of 8 bits on a CPU with AVX-512 that could do it in several ways.
package enum ProductKernels: Sendable {
    /// oneDNN, which knows matrix units (AMX).
    case library
    /// The backend's tiles.
    case tiles
    /// Integers of 16 bits for bfloat16 where there is VNNI; tiles of 8 bits.
    case pairs

    static var ofThisCPU: ProductKernels { mica_has_amx() == 1 ? .library : .pairs }
}
