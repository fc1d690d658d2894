extension KernelSource {
    /// Matrices in 8 and 4 bits: to 16 bits, times few rows, and what stands around products of 8 bits.
    static let quantizedKernels = #"""
        // How a stored matrix's elements are coded; see Quantization in TensorCore.
        enum { E4M3 = 0, E5M2 = 1, INT8 = 2, INT4 = 3 };
        enum { GROUP = 64 };

        // [rows, columns]: elements, and scales of float32 a row, or of bfloat16 a group of a row. Blocks have their
        // own, and a single 1 here.
        struct Matrix {
            const unsigned char *data;
            const void *scales;
            i64 kind;
            i64 columns;
            // 1, or 0 if one scale serves all rows.
            i64 scaleStep;
        };

        DEVICE float decode(int kind, unsigned char bits) {
            if (kind == INT8) return (float)(signed char)bits;
            if (kind == E5M2) return widenHalf((u16)((u32)bits << 8));
            // The exponent lands in float32's field, 120 too low; subnormal values come out right by the same product.
            const float magnitude = (bits & 0x7f) == 0x7f ? NAN : __uint_as_float((u32)(bits & 0x7f) << 20) * 0x1p120f;
            return bits & 0x80 ? -magnitude : magnitude;
        }

        // Element `index` of row `row` of four bits, without its scale.
        DEVICE float decode4(const Matrix &m, i64 row, int index) {
            const int columns = (int)m.columns, group = index / GROUP, i = index % GROUP;
            const int half = (min(columns - group * GROUP, (int)GROUP) + 1) / 2;
            const int bits = m.data[row * ((columns + 1) / 2) + group * (GROUP / 2) + i % half];
            return (float)((i < half ? bits & 15 : bits >> 4) - 8);
        }

        // N elements from `index` on, times the scale of their group where groups have one. Eight want columns that a
        // group, or for bytes eight, divides. Matrices in blocks have kernels of their own, since these need more
        // registers.
        template <int N, bool BLOCKS>
        DEVICE void decode(const Matrix &m, i64 row, int index, float (&x)[N]) {
            if (m.kind == INT4) {
                const int groups = ((int)m.columns + GROUP - 1) / GROUP;
                const float scale = widen(((const u16 *)m.scales)[row * groups + index / GROUP]);
                if (N == 1) {
                    x[0] = scale * decode4(m, row, index);
                    return;
                }
                const int i = index % GROUP;
                const uint2 bytes = *(const uint2 *)(m.data + row * (m.columns / 2) + index / GROUP * (GROUP / 2) + i % (GROUP / 2));
                const int shift = i < GROUP / 2 ? 0 : 4;
                for (int j = 0; j < N; j++) {
                    const u32 word = j < 4 ? bytes.x : bytes.y;
                    x[j] = scale * (float)((int)(word >> (j % 4 * 8 + shift) & 15) - 8);
                }
                return;
            }
            if (BLOCKS) {
                for (int j = 0; j < N; j++) x[j] = decodeBlocks((int)m.kind, m.data, row * m.columns, index + j);
                return;
            }
            if (N == 1) {
                x[0] = decode((int)m.kind, m.data[row * m.columns + index]);
                return;
            }
            const uint2 bytes = *(const uint2 *)(m.data + row * m.columns + index);
            for (int j = 0; j < N; j++) x[j] = decode((int)m.kind, (unsigned char)((j < 4 ? bytes.x : bytes.y) >> j % 4 * 8));
        }

        // The scale of a row; 1 where groups have scales of their own.
        DEVICE float rowScale(const Matrix &m, i64 row) { return m.kind == INT4 ? 1.0f : ((const float *)m.scales)[row * m.scaleStep]; }

        // Rows `first` and on of a matrix as values.
        template <int N, bool BLOCKS>
        DEVICE void values(Matrix m, View output, i64 first, i64 rows) {
            const i64 row = rowIndex();
            if (row >= rows) return;
            const float scale = rowScale(m, first + row);
            for (int c = threadIdx.x * N; c < m.columns; c += blockDim.x * N) {
                float x[N];
                decode<N, BLOCKS>(m, first + row, c, x);
                for (int j = 0; j < N; j++) x[j] *= scale;
                store(output, row * m.columns + c, x);
            }
        }
        template <int N>
        DEVICE void dequantize(Matrix m, View output, i64 first, i64 rows) { values<N, false>(m, output, first, rows); }
        BOTH(dequantize, (Matrix m, View output, i64 first, i64 rows), (m, output, first, rows))

        template <int N>
        DEVICE void dequantize_blocks(Matrix m, View output, i64 first, i64 rows) { values<N, true>(m, output, first, rows); }
        BOTH(dequantize_blocks, (Matrix m, View output, i64 first, i64 rows), (m, output, first, rows))

        // At most FEW rows of input times a matrix: a warp a column of the output.
        enum { FEW = 4 };

        template <int N, bool BLOCKS>
        DEVICE void few_rows(View input, Matrix m, i64 first, View bias, View output, int activation, int rows, int columns) {
            const int column = (int)rowIndex();
            if (column >= columns) return;
            float sums[FEW] = {0, 0, 0, 0};
            for (int k = threadIdx.x * N; k < m.columns; k += 32 * N) {
                float w[N];
                decode<N, BLOCKS>(m, first + column, k, w);
                #pragma unroll
                for (int r = 0; r < FEW; r++) {
                    if (r >= rows) continue;
                    float x[N];
                    load(input, r * m.columns + k, x);
                    for (int j = 0; j < N; j++) sums[r] += w[j] * x[j];
                }
            }
            const float scale = rowScale(m, first + column);
            #pragma unroll
            for (int r = 0; r < FEW; r++) {
                if (r >= rows) continue;
                const float sum = warpSum(sums[r]) * scale + (bias.data ? load(bias, column) : 0.0f);
                if (threadIdx.x == 0) store(output, (i64)r * columns + column, activate(sum, activation));
            }
        }
        template <int N>
        DEVICE void quantized_rows(View input, Matrix m, i64 first, View bias, View output, int activation, int rows, int columns) {
            few_rows<N, false>(input, m, first, bias, output, activation, rows, columns);
        }
        BOTH(quantized_rows, (View input, Matrix m, i64 first, View bias, View output, int activation, int rows, int columns),
             (input, m, first, bias, output, activation, rows, columns))

        template <int N>
        DEVICE void block_rows(View input, Matrix m, i64 first, View bias, View output, int activation, int rows, int columns) {
            few_rows<N, true>(input, m, first, bias, output, activation, rows, columns);
        }
        BOTH(block_rows, (View input, Matrix m, i64 first, View bias, View output, int activation, int rows, int columns),
             (input, m, first, bias, output, activation, rows, columns))

        // Runs of `size` (a power of 4, at most 4096) times the Kronecker power of the regular Hadamard matrix of order
        // 4.
        extern "C" __global__ void rotate(View input, View output, int size) {
            __shared__ float x[4096];
            const i64 first = (i64)blockIdx.x * size;
            for (int i = threadIdx.x; i < size; i += blockDim.x) x[i] = load(input, first + i);
            for (int step = 1; step < size; step *= 4) {
                __syncthreads();
                for (int i = threadIdx.x; i < size / 4; i += blockDim.x) {
                    float *p = x + i / step * step * 4 + i % step;
                    const float a = p[0], b = p[step], c = p[2 * step], d = p[3 * step], sum = 0.5f * (a + b + c + d);
                    p[0] = sum - d;
                    p[step] = sum - c;
                    p[2 * step] = sum - b;
                    p[3 * step] = sum - a;
                }
            }
            __syncthreads();
            for (int i = threadIdx.x; i < size; i += blockDim.x) store(output, first + i, x[i]);
        }

        // The larger of two, NaN if one is: fmaxf would hide it.
        DEVICE float larger(float a, float b) { return a > b || a != a ? a : b; }

        // 1 / scale; 0 for NaN, and for a scale whose inverse would overflow, so that such a row becomes zeros.
        DEVICE float inverse(float scale) { return scale > 0x1p-120f ? 1.0f / scale : 0.0f; }

        // The largest value over the threads of a row, NaN if one is; see rowSum.
        DEVICE float rowMax(float x) {
            for (int step = 16; step > 0; step >>= 1) x = larger(x, __shfl_xor_sync(FULL, x, step));
            if (blockDim.x <= 32) return x;
            __shared__ float parts[32];
            __syncthreads();
            if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = x;
            __syncthreads();
            for (int i = 0; i < (int)blockDim.x / 32; i++) x = larger(x, parts[i]);
            return x;
        }

        // N bytes at once; eight want an address that eight divides.
        template <int N>
        DEVICE void storeBytes(unsigned char *to, const unsigned char (&x)[N]) {
            if (N == 1) {
                to[0] = x[0];
                return;
            }
            uint2 words;
            words.x = x[0] | x[1 % N] << 8 | x[2 % N] << 16 | (u32)x[3 % N] << 24;
            words.y = x[4 % N] | x[5 % N] << 8 | x[6 % N] << 16 | (u32)x[7 % N] << 24;
            *(uint2 *)to = words;
        }

        // Rows to signed bytes from their lowest to their highest value: value = scale * (byte - zero). No byte stands
        // for an infinity or NaN: the scale of a row with one is NaN, so that what is made of the row is not finite.
        template <int N>
        DEVICE void round_int8(View input, unsigned char *output, float *scales, int *zeros, i64 rows, int columns) {
            const i64 row = rowIndex();
            if (row >= rows) return;
            float low = 0, high = 0, x[N];
            for (int c = threadIdx.x * N; c < columns; c += blockDim.x * N) {
                load(input, row * columns + c, x);
                for (int j = 0; j < N; j++) low = -larger(-low, -x[j]), high = larger(high, x[j]);
            }
            high = rowMax(high);
            low = -rowMax(-low);
            const float range = (high - low) / 255.0f, scale = range < INFINITY ? range : NAN, factor = inverse(scale);
            const int zero = factor > 0 ? __float2int_rn(-128.0f - low * factor) : 0;
            for (int c = threadIdx.x * N; c < columns; c += blockDim.x * N) {
                unsigned char bytes[N];
                load(input, row * columns + c, x);
                for (int j = 0; j < N; j++)
                    bytes[j] = (unsigned char)max(-128, min(127, __float2int_rn(x[j] * factor) + zero));
                storeBytes(output + row * columns + c, bytes);
            }
            if (threadIdx.x == 0) scales[row] = scale, zeros[row] = zero;
        }
        BOTH(round_int8, (View input, unsigned char *output, float *scales, int *zeros, i64 rows, int columns),
             (input, output, scales, zeros, rows, columns))

        // Sums of the rows of a matrix of signed bytes.
        extern "C" __global__ void byte_sums(const signed char *matrix, int *sums, i64 rows, int columns) {
            const i64 row = rowIndex();
            if (row >= rows) return;
            int sum = 0;
            for (int c = threadIdx.x; c < columns; c += 32) sum += matrix[row * columns + c];
            for (int step = 16; step > 0; step >>= 1) sum += __shfl_xor_sync(FULL, sum, step);
            if (threadIdx.x == 0) sums[row] = sum;
        }

        // x to e4m3, half to even, beyond 448 to 448.
        DEVICE unsigned char encodeE4M3(float x) {
            const unsigned char sign = __float_as_uint(x) >> 31 ? 0x80 : 0;
            if (x != x) return 0x7f;
            const float magnitude = fminf(fabsf(x), 448.0f);
            // Below 2^-6 the spacing is 2^-9; above, three bits behind the leading one are kept.
            if (magnitude < 0x1p-6f) return sign | (unsigned char)__float2int_rn(magnitude * 512.0f);
            const u32 bits = __float_as_uint(magnitude);
            const u32 rounded = bits + 0x7ffffu + (bits >> 20 & 1);
            return sign | (unsigned char)((rounded >> 20) - (120u << 3));
        }

        // Eight at once by the chip's own instruction, where it has one.
        template <int N>
        DEVICE void encodeE4M3(const float (&x)[N], float factor, unsigned char (&bytes)[N]) {
            #if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 890
            for (int j = 0; j + 1 < N; j += 2) {
                u16 pair;
                asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(pair) : "f"(x[j + 1] * factor), "f"(x[j] * factor));
                bytes[j] = (unsigned char)pair;
                bytes[j + 1] = (unsigned char)(pair >> 8);
            }
            if (N == 1) bytes[0] = encodeE4M3(x[0] * factor);
            #else
            for (int j = 0; j < N; j++) bytes[j] = encodeE4M3(x[j] * factor);
            #endif
        }

        // Rows to e4m3, the largest magnitude becoming 448: value = scale * element. Of an infinity or NaN the scale is
        // not finite either.
        template <int N>
        DEVICE void round_e4m3(View input, unsigned char *output, float *scales, i64 rows, int columns) {
            const i64 row = rowIndex();
            if (row >= rows) return;
            float high = 0, x[N];
            for (int c = threadIdx.x * N; c < columns; c += blockDim.x * N) {
                load(input, row * columns + c, x);
                for (int j = 0; j < N; j++) high = larger(high, fabsf(x[j]));
            }
            high = rowMax(high);
            const float scale = high / 448.0f, factor = inverse(scale);
            for (int c = threadIdx.x * N; c < columns; c += blockDim.x * N) {
                unsigned char bytes[N];
                load(input, row * columns + c, x);
                encodeE4M3(x, factor, bytes);
                storeBytes(output + row * columns + c, bytes);
            }
            if (threadIdx.x == 0) scales[row] = scale == 0 ? 1.0f : scale;
        }
        BOTH(round_e4m3, (View input, unsigned char *output, float *scales, i64 rows, int columns),
             (input, output, scales, rows, columns))

        // Products of rounded operands to values: sums are float32, or int32 with zeros of rows and sums of columns.
        template <int N>
        DEVICE void finish_product(const void *sums, const float *rowScales, const int *rowZeros, const float *columnScales,
                                   int scaleStep, const int *columnSums, View bias, View output, int activation, i64 rows, int columns) {
            const i64 row = rowIndex();
            if (row >= rows) return;
            const float scale = rowScales[row];
            const int zero = rowZeros ? rowZeros[row] : 0;
            for (int c = threadIdx.x * N; c < columns; c += blockDim.x * N) {
                float x[N], b[N];
                if (bias.data) load(bias, c, b);
                for (int j = 0; j < N; j++) {
                    const i64 at = row * columns + c + j;
                    x[j] = rowZeros ? (float)(((const int *)sums)[at] - zero * columnSums[c + j]) : ((const float *)sums)[at];
                    x[j] = activate(x[j] * scale * columnScales[(c + j) * scaleStep] + (bias.data ? b[j] : 0.0f), activation);
                }
                store(output, row * columns + c, x);
            }
        }
        BOTH(finish_product, (const void *sums, const float *rowScales, const int *rowZeros, const float *columnScales,
                              int scaleStep, const int *columnSums, View bias, View output, int activation, i64 rows, int columns),
             (sums, rowScales, rowZeros, columnScales, scaleStep, columnSums, bias, output, activation, rows, columns))

        // Rows of a weight to signed bytes, the largest magnitude becoming 127. Of an infinity or NaN the scale is not
        // finite, and so nothing is that the row makes.
        extern "C" __global__ void round_symmetric(View input, signed char *output, float *scales, i64 rows, int columns) {
            const i64 row = rowIndex();
            if (row >= rows) return;
            float high = 0;
            for (int c = threadIdx.x; c < columns; c += blockDim.x) high = larger(high, fabsf(load(input, row * columns + c)));
            high = rowMax(high);
            const float factor = inverse(high / 127.0f);
            for (int c = threadIdx.x; c < columns; c += blockDim.x)
                output[row * columns + c] = (signed char)__float2int_rn(load(input, row * columns + c) * factor);
            if (threadIdx.x == 0) scales[row] = high / 127.0f;
        }

        // Rows of a weight to four bits, the largest magnitude of a group becoming 7; scales are rounded to bfloat16
        // before they are used, and those of groups with an infinity or NaN are not finite. A thread a group.
        extern "C" __global__ void round_int4(View input, unsigned char *output, u16 *scales, i64 rows, int columns) {
            const i64 row = rowIndex();
            if (row >= rows) return;
            const int groups = (columns + GROUP - 1) / GROUP;
            for (int g = threadIdx.x; g < groups; g += blockDim.x) {
                const int count = min(columns - g * GROUP, (int)GROUP), half = (count + 1) / 2;
                const i64 first = row * columns + g * GROUP;
                float high = 0;
                for (int i = 0; i < count; i++) high = larger(high, fabsf(load(input, first + i)));
                const u16 scale = narrow(high / 7.0f);
                const float factor = inverse(widen(scale));
                scales[row * groups + g] = scale;
                for (int i = 0; i < half; i++) {
                    int low = __float2int_rn(load(input, first + i) * factor), top = 0;
                    if (half + i < count) top = __float2int_rn(load(input, first + half + i) * factor);
                    low = max(-8, min(7, low));
                    top = max(-8, min(7, top));
                    output[row * ((columns + 1) / 2) + g * (GROUP / 2) + i] = (unsigned char)((low + 8) | (top + 8) << 4);
                }
            }
        }
        """#
}
