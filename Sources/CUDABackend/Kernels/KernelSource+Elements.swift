extension KernelSource {
    /// What every program begins with: element types, views, activations, sums over the threads of a row.
    static let common = #"""
        typedef unsigned short u16;
        typedef unsigned int u32;
        typedef long long i64;

        // Element types of a view.
        enum { FLOAT32 = 0, BFLOAT16 = 1, FLOAT16 = 2 };

        // A run of elements in device memory: data and what they are.
        struct View {
            void *data;
            int type;
        };

        #define DEVICE static __device__ __forceinline__
        #define FULL 0xffffffffu

        DEVICE float widen(u16 x) { return __uint_as_float((u32)x << 16); }

        #ifdef MICA_EMULATED
        DEVICE u16 narrow(float x) {
            const u32 bits = __float_as_uint(x);
            if ((bits & 0x7fffffffu) > 0x7f800000u) return (u16)((bits >> 16) | 64);
            return (u16)((bits + 0x7fffu + ((bits >> 16) & 1)) >> 16);
        }
        DEVICE u32 pack(float low, float high) { return (u32)narrow(low) | (u32)narrow(high) << 16; }
        DEVICE float widenHalf(u16 x) { return mica_half(x); }
        #else
        #define INFINITY __int_as_float(0x7f800000)
        #define NAN __int_as_float(0x7fffffff)
        DEVICE u32 pack(float low, float high) {
            u32 result;
            asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(result) : "f"(high), "f"(low));
            return result;
        }
        DEVICE u16 narrow(float x) { return (u16)pack(x, 0); }
        DEVICE float widenHalf(u16 x) {
            float result;
            asm("cvt.f32.f16 %0, %1;" : "=f"(result) : "h"(x));
            return result;
        }
        #endif

        DEVICE float load(const View &v, i64 index) {
            if (v.type == FLOAT32) return ((const float *)v.data)[index];
            const u16 bits = ((const u16 *)v.data)[index];
            return v.type == BFLOAT16 ? widen(bits) : widenHalf(bits);
        }

        DEVICE void store(const View &v, i64 index, float x) {
            if (v.type == FLOAT32) ((float *)v.data)[index] = x;
            else ((u16 *)v.data)[index] = narrow(x);
        }

        // N elements from `index` on, N being 1 or 8; 8 want an address that 16 bytes divide.
        template <int N>
        DEVICE void load(const View &v, i64 index, float (&x)[N]) {
            if (N == 1) {
                x[0] = load(v, index);
            } else if (v.type == FLOAT32) {
                const float4 *from = (const float4 *)((const float *)v.data + index);
                const float4 a = from[0], b = from[1];
                x[0] = a.x, x[1 % N] = a.y, x[2 % N] = a.z, x[3 % N] = a.w;
                x[4 % N] = b.x, x[5 % N] = b.y, x[6 % N] = b.z, x[7 % N] = b.w;
            } else {
                const uint4 bits = *(const uint4 *)((const u16 *)v.data + index);
                const u32 words[4] = {bits.x, bits.y, bits.z, bits.w};
                for (int i = 0; i < 4; i++) {
                    const u16 low = (u16)words[i], high = (u16)(words[i] >> 16);
                    x[2 * i % N] = v.type == BFLOAT16 ? widen(low) : widenHalf(low);
                    x[(2 * i + 1) % N] = v.type == BFLOAT16 ? widen(high) : widenHalf(high);
                }
            }
        }

        template <int N>
        DEVICE void store(const View &v, i64 index, const float (&x)[N]) {
            if (N == 1) {
                store(v, index, x[0]);
            } else if (v.type == FLOAT32) {
                float4 *to = (float4 *)((float *)v.data + index);
                to[0] = make_float4(x[0], x[1 % N], x[2 % N], x[3 % N]);
                to[1] = make_float4(x[4 % N], x[5 % N], x[6 % N], x[7 % N]);
            } else {
                *(uint4 *)((u16 *)v.data + index) = make_uint4(
                    pack(x[0], x[1 % N]), pack(x[2 % N], x[3 % N]), pack(x[4 % N], x[5 % N]), pack(x[6 % N], x[7 % N]));
            }
        }

        // The functions of `Activation`, in the order of the Swift enum.
        enum { NONE = 0, SILU = 1, GELU_TANH = 2, GELU = 3 };

        DEVICE float activate(float x, int activation) {
            switch (activation) {
            case SILU: return x / (1.0f + expf(-x));
            // (1 + tanh u) / 2 is 1 / (1 + exp(-2u)): nothing cancels where tanh is nearly -1.
            case GELU_TANH: return x / (1.0f + expf(-2.0f * (0.7978845608028654f * (x + 0.044715f * x * x * x))));
            case GELU: return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f));
            default: return x;
            }
        }

        DEVICE float warpSum(float x) {
            for (int step = 16; step > 0; step >>= 1) x += __shfl_xor_sync(FULL, x, step);
            return x;
        }

        DEVICE float warpMax(float x) {
            for (int step = 16; step > 0; step >>= 1) x = fmaxf(x, __shfl_xor_sync(FULL, x, step));
            return x;
        }

        // The sum over the threads of a row: a warp, or a whole block of one row. The same in every run.
        DEVICE float rowSum(float x) {
            x = warpSum(x);
            if (blockDim.x <= 32) return x;
            __shared__ float parts[32];
            __syncthreads();
            if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = x;
            __syncthreads();
            float sum = 0;
            for (int i = 0; i < (int)blockDim.x / 32; i++) sum += parts[i];
            return sum;
        }

        // The row of this thread where rows lie along x and y of the launch.
        DEVICE i64 rowIndex() { return (i64)blockIdx.x * blockDim.y + threadIdx.y; }

        // Two launches of each template: by eight elements where addresses allow it, else one by one.
        #define BOTH(name, parameters, arguments) \
            extern "C" __global__ void name##_8 parameters { name<8> arguments; } \
            extern "C" __global__ void name##_1 parameters { name<1> arguments; }

        """#

    /// Pointwise work, copies and orders of elements.
    static let elementKernels = #"""
        template <int N>
        DEVICE void activation(View input, View output, int kind, i64 count) {
            const i64 step = (i64)gridDim.x * blockDim.x * N;
            for (i64 i = ((i64)blockIdx.x * blockDim.x + threadIdx.x) * N; i < count; i += step) {
                float x[N];
                load(input, i, x);
                for (int j = 0; j < N; j++) x[j] = activate(x[j], kind);
                store(output, i, x);
            }
        }
        BOTH(activation, (View input, View output, int kind, i64 count), (input, output, kind, count))

        template <int N>
        DEVICE void silu_gate(View gate, View up, View output, i64 count) {
            const i64 step = (i64)gridDim.x * blockDim.x * N;
            for (i64 i = ((i64)blockIdx.x * blockDim.x + threadIdx.x) * N; i < count; i += step) {
                float g[N], u[N];
                load(gate, i, g);
                load(up, i, u);
                for (int j = 0; j < N; j++) u[j] *= activate(g[j], SILU);
                store(output, i, u);
            }
        }
        BOTH(silu_gate, (View gate, View up, View output, i64 count), (gate, up, output, count))

        // target += factor * addend
        template <int N>
        DEVICE void add_scaled(View target, View addend, float factor, i64 count) {
            const i64 step = (i64)gridDim.x * blockDim.x * N;
            for (i64 i = ((i64)blockIdx.x * blockDim.x + threadIdx.x) * N; i < count; i += step) {
                float t[N], a[N];
                load(target, i, t);
                load(addend, i, a);
                for (int j = 0; j < N; j++) t[j] += factor * a[j];
                store(target, i, t);
            }
        }
        BOTH(add_scaled, (View target, View addend, float factor, i64 count), (target, addend, factor, count))

        // Rows of `columns`: target += gate * addend
        template <int N>
        DEVICE void add_gated(View target, View addend, View gate, i64 rows, int columns) {
            const i64 row = rowIndex();
            if (row >= rows) return;
            for (int c = threadIdx.x * N; c < columns; c += blockDim.x * N) {
                float t[N], a[N], g[N];
                load(target, row * columns + c, t);
                load(addend, row * columns + c, a);
                load(gate, c, g);
                for (int j = 0; j < N; j++) t[j] += g[j] * a[j];
                store(target, row * columns + c, t);
            }
        }
        BOTH(add_gated, (View target, View addend, View gate, i64 rows, int columns), (target, addend, gate, rows, columns))

        template <int N>
        DEVICE void channel_affine(View input, View scale, View shift, View output, i64 rows, int columns) {
            const i64 row = rowIndex();
            if (row >= rows) return;
            for (int c = threadIdx.x * N; c < columns; c += blockDim.x * N) {
                float x[N], a[N], b[N];
                load(input, row * columns + c, x);
                load(scale, c, a);
                load(shift, c, b);
                for (int j = 0; j < N; j++) x[j] = x[j] * a[j] + b[j];
                store(output, row * columns + c, x);
            }
        }
        BOTH(channel_affine, (View input, View scale, View shift, View output, i64 rows, int columns),
             (input, scale, shift, output, rows, columns))

        // Bias, if `bias.data`, and activation, in place.
        template <int N>
        DEVICE void bias_activation(View output, View bias, int kind, i64 rows, int columns) {
            const i64 row = rowIndex();
            if (row >= rows) return;
            for (int c = threadIdx.x * N; c < columns; c += blockDim.x * N) {
                float x[N], b[N];
                load(output, row * columns + c, x);
                if (bias.data) {
                    load(bias, c, b);
                    for (int j = 0; j < N; j++) x[j] += b[j];
                }
                for (int j = 0; j < N; j++) x[j] = activate(x[j], kind);
                store(output, row * columns + c, x);
            }
        }
        BOTH(bias_activation, (View output, View bias, int kind, i64 rows, int columns), (output, bias, kind, rows, columns))

        template <int N>
        DEVICE void gather_rows(View table, const int *indices, View output, i64 rows, int columns) {
            const i64 row = rowIndex();
            if (row >= rows) return;
            const i64 from = (i64)indices[row] * columns;
            for (int c = threadIdx.x * N; c < columns; c += blockDim.x * N) {
                float x[N];
                load(table, from + c, x);
                store(output, row * columns + c, x);
            }
        }
        BOTH(gather_rows, (View table, const int *indices, View output, i64 rows, int columns),
             (table, indices, output, rows, columns))

        // A row is a pixel of the output [2 * height, 2 * width, channels].
        template <int N>
        DEVICE void upsample_nearest(View input, View output, i64 pixels, int width, int channels) {
            const i64 pixel = rowIndex();
            if (pixel >= pixels) return;
            const i64 y = pixel / (2 * width), x = pixel % (2 * width);
            const i64 from = (y / 2 * width + x / 2) * channels;
            for (int c = threadIdx.x * N; c < channels; c += blockDim.x * N) {
                float v[N];
                load(input, from + c, v);
                store(output, pixel * channels + c, v);
            }
        }
        BOTH(upsample_nearest, (View input, View output, i64 pixels, int width, int channels),
             (input, output, pixels, width, channels))

        // Output extents, outermost first, and the input's stride for each of them.
        struct Order {
            i64 extents[6];
            i64 strides[6];
        };

        extern "C" __global__ void permute(View input, View output, Order order, i64 count) {
            const i64 step = (i64)gridDim.x * blockDim.x;
            for (i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
                i64 rest = i, from = 0;
                for (int axis = 5; axis >= 0; axis--) {
                    from += rest % order.extents[axis] * order.strides[axis];
                    rest /= order.extents[axis];
                }
                store(output, i, load(input, from));
            }
        }

        // Classifier-free guidance of rows; see Operation.guidance.
        extern "C" __global__ void guidance(
            View positive, View negative, float scale, int normalize, View output, i64 rows, int columns) {
            const i64 row = rowIndex();
            if (row >= rows) return;
            float condition = 0, combined = 0;
            for (int c = threadIdx.x; c < columns; c += blockDim.x) {
                const float p = load(positive, row * columns + c), n = load(negative, row * columns + c);
                const float x = n + scale * (p - n);
                condition += p * p;
                combined += x * x;
            }
            condition = rowSum(condition);
            combined = rowSum(combined);
            const float factor = normalize ? sqrtf(condition) / sqrtf(combined) : 1.0f;
            for (int c = threadIdx.x; c < columns; c += blockDim.x) {
                const float p = load(positive, row * columns + c), n = load(negative, row * columns + c);
                store(output, row * columns + c, (n + scale * (p - n)) * factor);
            }
        }

        // A row is a pixel from `start` on of the output [.., outputWidth]; its patch has kernel * kernel * channels
        // values.
        template <int N>
        DEVICE void patches(View input, View output, i64 start, i64 pixels, int height, int width, int channels,
                            int kernel, int stride, int top, int left, int outputWidth) {
            const i64 pixel = rowIndex();
            if (pixel >= pixels) return;
            const int depth = kernel * kernel * channels;
            const int y0 = (int)((start + pixel) / outputWidth) * stride - top;
            const int x0 = (int)((start + pixel) % outputWidth) * stride - left;
            for (int i = threadIdx.x * N; i < depth; i += blockDim.x * N) {
                const int cell = i / channels, c = i % channels;
                const int y = y0 + cell / kernel, x = x0 + cell % kernel;
                float v[N];
                for (int j = 0; j < N; j++) v[j] = 0;
                if (y >= 0 && y < height && x >= 0 && x < width) load(input, ((i64)y * width + x) * channels + c, v);
                store(output, pixel * depth + i, v);
            }
        }
        BOTH(patches, (View input, View output, i64 start, i64 pixels, int height, int width, int channels, int kernel,
                       int stride, int top, int left, int outputWidth),
             (input, output, start, pixels, height, width, channels, kernel, stride, top, left, outputWidth))

        // For each run of elements, a block's, sums of squares: of found - reference, then of reference.
        extern "C" __global__ void differences(View found, View reference, float *sums, i64 run, i64 count) {
            const i64 first = (i64)blockIdx.x * run;
            const i64 end = first + run < count ? first + run : count;
            float difference = 0, square = 0;
            for (i64 i = first + threadIdx.x; i < end; i += blockDim.x) {
                const float x = load(reference, i), d = load(found, i) - x;
                difference += d * d;
                square += x * x;
            }
            difference = rowSum(difference);
            square = rowSum(square);
            if (threadIdx.x) return;
            sums[2 * blockIdx.x] = difference;
            sums[2 * blockIdx.x + 1] = square;
        }

        // The last time slice of [outputs, inputs, time, area] as [outputs, area, inputs].
        extern "C" __global__ void convolution_weight(View input, View output, int inputs, int time, int area, i64 count) {
            const i64 step = (i64)gridDim.x * blockDim.x;
            for (i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += step) {
                const i64 channel = i % inputs, cell = i / inputs % area, out = i / inputs / area;
                store(output, i, load(input, ((out * inputs + channel) * time + time - 1) * area + cell));
            }
        }
        """#
}
