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

        // --- bfloat16 on the matrix units --------------------------------------------------------------------------
        // Tiles of 128 x 128, 32 of the depth at a time, three of them under way; eight warps of 64 x 32 each. Rows in
        // shared memory lie 40 elements apart, so that ldmatrix meets no bank twice.
        enum { SIDE = 128, SLICE = 32, SPACING = SLICE + 8, STAGE = 2 * SIDE * SPACING, STAGES = 3 };

        DEVICE void loadSlice(u16 *to, const u16 *from, i64 first, i64 count, int depth, int k0) {
            for (int i = threadIdx.x; i < SIDE * SLICE / 8; i += 256) {
                const int row = i / (SLICE / 8), k = i % (SLICE / 8) * 8;
                const bool valid = first + row < count && k0 + k < depth;
                copyAsync(to + row * SPACING + k, valid ? from + (first + row) * depth + k0 + k : from, valid);
            }
        }

        // Depth a multiple of 8, addresses of 16 bytes.
        extern "C" __global__ void __launch_bounds__(256) product_bf16(
            const u16 *input, const u16 *weight, View bias, View output, int activation, i64 rows, int columns, int depth) {
            extern __shared__ __align__(16) unsigned char memory[];
            u16 *stages = (u16 *)memory;
            const i64 row0 = (i64)blockIdx.x * SIDE;
            const int column0 = blockIdx.y * SIDE;
            const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
            const int warpRow = warp / 4 * 64, warpColumn = warp % 4 * 32;
            float sums[4][4][4];
            #pragma unroll
            for (int m = 0; m < 4; m++)
                for (int n = 0; n < 4; n++)
                    for (int i = 0; i < 4; i++) sums[m][n][i] = 0;
            const int count = (depth + SLICE - 1) / SLICE;
            for (int t = 0; t < STAGES - 1; t++) {
                if (t < count) {
                    loadSlice(stages + t * STAGE, input, row0, rows, depth, t * SLICE);
                    loadSlice(stages + t * STAGE + SIDE * SPACING, weight, column0, columns, depth, t * SLICE);
                }
                commitCopies();
            }
            for (int t = 0; t < count; t++) {
                awaitCopies<STAGES - 2>();
                __syncthreads();
                const int next = t + STAGES - 1;
                if (next < count) {
                    u16 *stage = stages + next % STAGES * STAGE;
                    loadSlice(stage, input, row0, rows, depth, next * SLICE);
                    loadSlice(stage + SIDE * SPACING, weight, column0, columns, depth, next * SLICE);
                }
                commitCopies();
                const u16 *a0 = stages + t % STAGES * STAGE + (warpRow + lane % 16) * SPACING + lane / 16 * 8;
                const u16 *b0 = stages + t % STAGES * STAGE + SIDE * SPACING
                                + (warpColumn + lane / 16 * 8 + lane % 8) * SPACING + lane / 8 % 2 * 8;
                #pragma unroll
                for (int k = 0; k < SLICE; k += 16) {
                    u32 a[4][4], b[2][4];
                    #pragma unroll
                    for (int m = 0; m < 4; m++) loadMatrices(a[m], a0 + m * 16 * SPACING + k);
                    #pragma unroll
                    for (int n = 0; n < 2; n++) loadMatrices(b[n], b0 + n * 16 * SPACING + k);
                    #pragma unroll
                    for (int m = 0; m < 4; m++) {
                        #pragma unroll
                        for (int n = 0; n < 4; n++) mma(sums[m][n], a[m], b[n / 2][n % 2 * 2], b[n / 2][n % 2 * 2 + 1]);
                    }
                }
            }
            #pragma unroll
            for (int m = 0; m < 4; m++) {
                #pragma unroll
                for (int n = 0; n < 4; n++) {
                    #pragma unroll
                    for (int i = 0; i < 4; i++) {
                        const i64 r = row0 + warpRow + m * 16 + lane / 4 + i / 2 * 8;
                        const int c = column0 + warpColumn + n * 8 + lane % 4 * 2 + i % 2;
                        if (r >= rows || c >= columns) continue;
                        const float x = sums[m][n][i] + (bias.data ? load(bias, c) : 0.0f);
                        store(output, r * columns + c, activate(x, activation));
                    }
                }
            }
        }
        """#
}
