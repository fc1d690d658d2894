extension KernelSource {
    /// Norms of rows, and the norm and rotation of heads.
    static let normKernels = #"""
        enum { LAYER_NORM = 0, RMS_NORM = 1, CHANNEL_NORM = 2 };

        // Vectors of eight that a thread keeps in registers, so that a row is read from memory once.
        enum { KEPT = 4 };

        struct NormFactors {
            float mean, factor;
        };

        // By kind, from the sum of squares (of differences from the mean for a layer norm).
        DEVICE float normFactor(int kind, float squares, int columns, float epsilon) {
            if (kind != CHANNEL_NORM) return 1.0f / sqrtf(squares / (float)columns + epsilon);
            return sqrtf((float)columns) / fmaxf(sqrtf(squares), 1e-12f);
        }

        // x normed, then by kind: * (1 + scale) + shift, or * scale; a view without data is left out.
        template <int N>
        DEVICE void finishNorm(int kind, NormFactors f, View scale, View shift, int activation, int c, float (&x)[N]) {
            float s[N], b[N];
            if (scale.data) load(scale, c, s);
            if (shift.data) load(shift, c, b);
            for (int j = 0; j < N; j++) {
                x[j] = (x[j] - f.mean) * f.factor;
                if (scale.data) x[j] *= kind == LAYER_NORM ? 1.0f + s[j] : s[j];
                if (shift.data) x[j] += b[j];
                x[j] = activate(x[j], activation);
            }
        }

        template <int N>
        DEVICE void norm(int kind, View input, View scale, View shift, View output, float epsilon, int activation, i64 rows,
                         int columns) {
            const i64 row = rowIndex();
            if (row >= rows) return;
            const i64 first = row * columns;
            const int width = blockDim.x * N;
            NormFactors f = {0, 1};
            if (N == 1 || columns > KEPT * width) {
                float sum = 0;
                for (int c = threadIdx.x * N; c < columns && kind == LAYER_NORM; c += width) {
                    float x[N];
                    load(input, first + c, x);
                    for (int j = 0; j < N; j++) sum += x[j];
                }
                if (kind == LAYER_NORM) f.mean = rowSum(sum) / (float)columns;
                float squares = 0;
                for (int c = threadIdx.x * N; c < columns; c += width) {
                    float x[N];
                    load(input, first + c, x);
                    for (int j = 0; j < N; j++) squares += (x[j] - f.mean) * (x[j] - f.mean);
                }
                f.factor = normFactor(kind, rowSum(squares), columns, epsilon);
                for (int c = threadIdx.x * N; c < columns; c += width) {
                    float x[N];
                    load(input, first + c, x);
                    finishNorm(kind, f, scale, shift, activation, c, x);
                    store(output, first + c, x);
                }
                return;
            }
            float kept[KEPT][N];
            float sum = 0;
            #pragma unroll
            for (int i = 0; i < KEPT; i++) {
                const int c = threadIdx.x * N + i * width;
                for (int j = 0; j < N; j++) kept[i][j] = 0;
                if (c < columns) load(input, first + c, kept[i]);
                for (int j = 0; j < N; j++) sum += kept[i][j];
            }
            if (kind == LAYER_NORM) f.mean = rowSum(sum) / (float)columns;
            float squares = 0;
            #pragma unroll
            for (int i = 0; i < KEPT; i++) {
                if ((int)threadIdx.x * N + i * width >= columns) continue;
                for (int j = 0; j < N; j++) squares += (kept[i][j] - f.mean) * (kept[i][j] - f.mean);
            }
            f.factor = normFactor(kind, rowSum(squares), columns, epsilon);
            #pragma unroll
            for (int i = 0; i < KEPT; i++) {
                const int c = threadIdx.x * N + i * width;
                if (c >= columns) continue;
                finishNorm(kind, f, scale, shift, activation, c, kept[i]);
                store(output, first + c, kept[i]);
            }
        }
        BOTH(norm, (int kind, View input, View scale, View shift, View output, float epsilon, int activation, i64 rows,
                    int columns),
             (kind, input, scale, shift, output, epsilon, activation, rows, columns))

        // Two elements that lie side by side, the first at an even index of an address that 8 bytes divide.
        DEVICE float2 loadPair(const View &v, i64 index) {
            if (v.type == FLOAT32) return *(const float2 *)((const float *)v.data + index);
            const u32 bits = *(const u32 *)((const u16 *)v.data + index);
            return make_float2(widen((u16)bits), widen((u16)(bits >> 16)));
        }
        DEVICE void storePair(const View &v, i64 index, float2 x) {
            if (v.type == FLOAT32) *(float2 *)((float *)v.data + index) = x;
            else *(u32 *)((u16 *)v.data + index) = pack(x.x, x.y);
        }

        // In place on [rows, heads * size]: a block a row, a warp a head. `pairing`: 0 none, 1 side by side, 2 halves.
        // `aligned` says that pairs side by side may be moved at once.
        extern "C" __global__ void head_norm_rotary(
            View x, View weight, const float *cosines, const float *sines, int pairing, int aligned, float epsilon, int heads,
            int size) {
            const i64 row = blockIdx.x;
            const int pairs = size / 2;
            for (int head = threadIdx.y; head < heads; head += blockDim.y) {
                const i64 first = (row * heads + head) * size;
                float factor = 1;
                if (weight.data) {
                    float squares = 0;
                    for (int p = threadIdx.x; p < pairs; p += 32) {
                        const float2 v = aligned ? loadPair(x, first + 2 * p)
                                                 : make_float2(load(x, first + 2 * p), load(x, first + 2 * p + 1));
                        squares += v.x * v.x + v.y * v.y;
                    }
                    factor = 1.0f / sqrtf(warpSum(squares) / (float)size + epsilon);
                }
                for (int p = threadIdx.x; p < pairs; p += 32) {
                    const int one = pairing == 2 ? p : 2 * p, other = pairing == 2 ? p + pairs : 2 * p + 1;
                    const bool together = aligned && pairing != 2;
                    float2 v = together ? loadPair(x, first + one)
                                        : make_float2(load(x, first + one), load(x, first + other));
                    if (weight.data) {
                        v.x *= factor * load(weight, one);
                        v.y *= factor * load(weight, other);
                    }
                    if (pairing) {
                        const float c = cosines[row * pairs + p], s = sines[row * pairs + p];
                        v = make_float2(v.x * c - v.y * s, v.x * s + v.y * c);
                    }
                    if (together) {
                        storePair(x, first + one, v);
                    } else {
                        store(x, first + one, v.x);
                        store(x, first + other, v.y);
                    }
                }
                __syncwarp();
            }
        }
        """#
}
