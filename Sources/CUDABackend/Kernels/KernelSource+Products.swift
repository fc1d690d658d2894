extension KernelSource {
    /// Matrix products without cuBLASLt: rows by vector, bound by memory, and tiles for any shape and element type.
    static let productKernels = #"""
        // At most ROWS rows of input [rows, depth]: a warp a column of the output, which reads its weight row once.
        enum { ROWS = 4 };

        template <int N>
        DEVICE void row_product(View input, View weight, View bias, View output, int activation, int rows, int columns,
                                int depth) {
            const int column = (int)rowIndex();
            if (column >= columns) return;
            float sums[ROWS] = {0, 0, 0, 0};
            for (int k = threadIdx.x * N; k < depth; k += 32 * N) {
                float w[N];
                load(weight, (i64)column * depth + k, w);
                #pragma unroll
                for (int r = 0; r < ROWS; r++) {
                    if (r >= rows) continue;
                    float x[N];
                    load(input, (i64)r * depth + k, x);
                    for (int j = 0; j < N; j++) sums[r] += w[j] * x[j];
                }
            }
            #pragma unroll
            for (int r = 0; r < ROWS; r++) {
                if (r >= rows) continue;
                const float sum = warpSum(sums[r]) + (bias.data ? load(bias, column) : 0.0f);
                if (threadIdx.x == 0) store(output, (i64)r * columns + column, activate(sum, activation));
            }
        }
        BOTH(row_product, (View input, View weight, View bias, View output, int activation, int rows, int columns, int depth),
             (input, weight, bias, output, activation, rows, columns, depth))

        // Tiles of 64 x 64 with sums in float32: 256 threads of 4 x 4 each, 16 of the depth at a time.
        enum { TILE = 64, DEPTH = 16 };

        extern "C" __global__ void product(View input, View weight, View bias, View output, int activation, i64 rows,
                                           int columns, int depth) {
            __shared__ float a[DEPTH][TILE + 4];
            __shared__ float b[DEPTH][TILE + 4];
            const i64 row0 = (i64)blockIdx.x * TILE;
            const int column0 = blockIdx.y * TILE;
            const int tx = threadIdx.x % 16, ty = threadIdx.x / 16;
            float sums[4][4];
            for (int i = 0; i < 4; i++)
                for (int j = 0; j < 4; j++) sums[i][j] = 0;
            for (int k0 = 0; k0 < depth; k0 += DEPTH) {
                for (int i = threadIdx.x; i < TILE * DEPTH; i += 256) {
                    const int r = i / DEPTH, k = i % DEPTH;
                    const bool inside = k0 + k < depth;
                    a[k][r] = inside && row0 + r < rows ? load(input, (row0 + r) * depth + k0 + k) : 0.0f;
                    b[k][r] = inside && column0 + r < columns ? load(weight, (i64)(column0 + r) * depth + k0 + k) : 0.0f;
                }
                __syncthreads();
                #pragma unroll
                for (int k = 0; k < DEPTH; k++) {
                    float x[4], w[4];
                    for (int i = 0; i < 4; i++) x[i] = a[k][ty * 4 + i], w[i] = b[k][tx * 4 + i];
                    for (int i = 0; i < 4; i++)
                        for (int j = 0; j < 4; j++) sums[i][j] += x[i] * w[j];
                }
                __syncthreads();
            }
            for (int i = 0; i < 4; i++) {
                const i64 r = row0 + ty * 4 + i;
                for (int j = 0; j < 4; j++) {
                    const int c = column0 + tx * 4 + j;
                    if (r >= rows || c >= columns) continue;
                    const float sum = sums[i][j] + (bias.data ? load(bias, c) : 0.0f);
                    store(output, r * columns + c, activate(sum, activation));
                }
            }
        }
        """#
}
