extension KernelSource {
    /// Attention in float32 for any head size to 512, and in bfloat16 on the matrix units for the models' head sizes.
    ///
    /// The latter follows FlashAttention-2 (Dao 2023): queries stay in registers, blocks of keys pass through shared
    /// memory, two of them at a time, and the scores never leave the registers.
    static let attentionKernels = #"""
        // Rows of queries that see the same range of keys: [queryStart, queryEnd) x [keyStart, keyEnd).
        struct Tile {
            int queryStart, queryEnd, keyStart, keyEnd;
        };

        // Without a list, tile `index` has `size` rows and sees all keys.
        DEVICE Tile tileAt(const Tile *tiles, int index, int size, int queries, int keys) {
            if (tiles) return tiles[index];
            Tile tile = {index * size, min((index + 1) * size, queries), 0, keys};
            return tile;
        }

        // --- a warp a query, a lane a key ---------------------------------------------------------------------------
        enum { LARGEST_HEAD = 512 };

        // SLICES * 32 is at least the head size. `causalOffset` >= 0: query i sees keys 0 ... i + causalOffset.
        template <int N, int SLICES>
        DEVICE void rowsAttention(View query, View key, View value, View output, const Tile *tiles, int tileRows, int queries,
                                  int keys, int heads, int keyHeads, int size, float scale, int causalOffset) {
            const Tile tile = tileAt(tiles, blockIdx.x, tileRows, queries, keys);
            const int head = blockIdx.y;
            const i64 keyStride = (i64)keyHeads * size;
            const i64 keyColumn = (i64)(head / (heads / keyHeads)) * size;
            __shared__ __align__(16) float shared[4][LARGEST_HEAD];
            float *q = shared[threadIdx.y];
            for (int row = tile.queryStart + threadIdx.y; row < tile.queryEnd; row += blockDim.y) {
                const i64 first = ((i64)row * heads + head) * size;
                __syncwarp();
                for (int d = threadIdx.x; d < size; d += 32) q[d] = load(query, first + d);
                __syncwarp();
                const int end = causalOffset >= 0 ? min(tile.keyEnd, row + causalOffset + 1) : tile.keyEnd;
                float sums[SLICES];
                #pragma unroll
                for (int i = 0; i < SLICES; i++) sums[i] = 0;
                float top = -INFINITY, total = 0;
                for (int base = tile.keyStart; base < end; base += 32) {
                    const int mine = base + threadIdx.x;
                    float score = -INFINITY;
                    if (mine < end) {
                        const i64 from = mine * keyStride + keyColumn;
                        float dot = 0;
                        for (int d = 0; d < size; d += N) {
                            float k[N];
                            load(key, from + d, k);
                            for (int j = 0; j < N; j++) dot += q[d + j] * k[j];
                        }
                        score = dot * scale;
                    }
                    const float highest = fmaxf(top, warpMax(score));
                    const float weight = mine < end ? expf(score - highest) : 0.0f;
                    const float fade = expf(top - highest);
                    total = total * fade + warpSum(weight);
                    top = highest;
                    #pragma unroll
                    for (int i = 0; i < SLICES; i++) sums[i] *= fade;
                    for (int j = 0; j < min(32, end - base); j++) {
                        const float w = __shfl_sync(FULL, weight, j);
                        const i64 from = (base + j) * keyStride + keyColumn;
                        #pragma unroll
                        for (int i = 0; i < SLICES; i++) {
                            const int d = threadIdx.x + 32 * i;
                            if (d < size) sums[i] += w * load(value, from + d);
                        }
                    }
                }
                #pragma unroll
                for (int i = 0; i < SLICES; i++) {
                    const int d = threadIdx.x + 32 * i;
                    if (d < size) store(output, first + d, sums[i] / total);
                }
            }
        }

        #define ROWS_ATTENTION(N, SLICES)                                                                                    \
            extern "C" __global__ void __launch_bounds__(128) attention_rows_##SLICES##_##N(                                 \
                View query, View key, View value, View output, const Tile *tiles, int tileRows, int queries, int keys,       \
                int heads, int keyHeads, int size, float scale, int causalOffset) {                                          \
                rowsAttention<N, SLICES>(query, key, value, output, tiles, tileRows, queries, keys, heads, keyHeads, size,   \
                                         scale, causalOffset);                                                               \
            }
        ROWS_ATTENTION(1, 4)
        ROWS_ATTENTION(8, 4)
        ROWS_ATTENTION(1, 16)
        ROWS_ATTENTION(8, 16)

        // --- bfloat16 on the matrix units ----------------------------------------------------------------------------
        enum { QUERIES = 128, KEYS = 64, FLASH_THREADS = 256 };

        // Elements between two rows in shared memory: eight more than a row, so that ldmatrix meets no bank twice.
        template <int SIZE>
        struct Padded {
            enum { STRIDE = SIZE + 8 };
        };

        template <int SIZE>
        DEVICE void loadBlock(u16 *to, const u16 *from, i64 stride, int start, int end) {
            for (int i = threadIdx.x; i < KEYS * SIZE / 8; i += FLASH_THREADS) {
                const int row = i / (SIZE / 8), part = i % (SIZE / 8);
                const bool valid = start + row < end;
                copyAsync(to + row * Padded<SIZE>::STRIDE + part * 8, from + (valid ? start + row : start) * stride + part * 8,
                          valid);
            }
        }

        // Rows `row` and `row + 8` of queries as the left operand; rows that are not there are zeros.
        template <int SIZE>
        DEVICE void loadQueries(u32 (&q)[SIZE / 16][4], const u16 *query, i64 stride, int row, int end) {
            const int pair = threadIdx.x % 4 * 2;
            #pragma unroll
            for (int k = 0; k < SIZE / 16; k++) {
                for (int i = 0; i < 4; i++) {
                    const int r = row + i % 2 * 8, d = k * 16 + i / 2 * 8 + pair;
                    q[k][i] = r < end ? *(const u32 *)(query + r * stride + d) : 0;
                }
            }
        }

        template <int SIZE>
        DEVICE void scoreBlock(float (&scores)[KEYS / 8][4], const u32 (&q)[SIZE / 16][4], const u16 *keys) {
            const int lane = threadIdx.x % 32;
            const u16 *corner = keys + (lane / 16 * 8 + lane % 8) * Padded<SIZE>::STRIDE + lane / 8 % 2 * 8;
            #pragma unroll
            for (int n = 0; n < KEYS / 16; n++) {
                for (int i = 0; i < 4; i++) scores[2 * n][i] = scores[2 * n + 1][i] = 0;
                #pragma unroll
                for (int k = 0; k < SIZE / 16; k++) {
                    u32 b[4];
                    loadMatrices(b, corner + n * 16 * Padded<SIZE>::STRIDE + k * 16);
                    mma(scores[2 * n], q[k], b[0], b[1]);
                    mma(scores[2 * n + 1], q[k], b[2], b[3]);
                }
            }
        }

        // The running maximum and sum of two rows.
        struct Running {
            float top[2], total[2];
        };

        // Scores to weights against the new maximum; `fade` is what the sums so far shrink by.
        DEVICE void weigh(float (&scores)[KEYS / 8][4], Running &running, float factor, float (&fade)[2]) {
            #pragma unroll
            for (int r = 0; r < 2; r++) {
                float highest = running.top[r];
                #pragma unroll
                for (int n = 0; n < KEYS / 8; n++) highest = fmaxf(highest, fmaxf(scores[n][2 * r], scores[n][2 * r + 1]));
                highest = fmaxf(highest, __shfl_xor_sync(FULL, highest, 1));
                highest = fmaxf(highest, __shfl_xor_sync(FULL, highest, 2));
                // A row that has seen no key yet: any finite number stands for its maximum.
                const float base = highest == -INFINITY ? 0.0f : highest;
                fade[r] = exp2f((running.top[r] - base) * factor);
                running.top[r] = highest;
                float sum = 0;
                #pragma unroll
                for (int n = 0; n < KEYS / 8; n++) {
                    // The difference first: of large scores a product with the factor would lose it.
                    scores[n][2 * r] = exp2f((scores[n][2 * r] - base) * factor);
                    scores[n][2 * r + 1] = exp2f((scores[n][2 * r + 1] - base) * factor);
                    sum += scores[n][2 * r] + scores[n][2 * r + 1];
                }
                running.total[r] = running.total[r] * fade[r] + sum;
            }
        }

        template <int SIZE>
        DEVICE void addValues(float (&sums)[SIZE / 8][4], const float (&weights)[KEYS / 8][4], const u16 *values) {
            const int lane = threadIdx.x % 32;
            const u16 *corner = values + (lane / 8 % 2 * 8 + lane % 8) * Padded<SIZE>::STRIDE + lane / 16 * 8;
            #pragma unroll
            for (int k = 0; k < KEYS / 16; k++) {
                const u32 a[4] = {
                    pack(weights[2 * k][0], weights[2 * k][1]), pack(weights[2 * k][2], weights[2 * k][3]),
                    pack(weights[2 * k + 1][0], weights[2 * k + 1][1]), pack(weights[2 * k + 1][2], weights[2 * k + 1][3])};
                #pragma unroll
                for (int n = 0; n < SIZE / 16; n++) {
                    u32 b[4];
                    loadTransposed(b, corner + k * 16 * Padded<SIZE>::STRIDE + n * 16);
                    mma(sums[2 * n], a, b[0], b[1]);
                    mma(sums[2 * n + 1], a, b[2], b[3]);
                }
            }
        }

        // Takes out keys that a row does not see.
        DEVICE void mask(float (&scores)[KEYS / 8][4], int row, int firstKey, int keyEnd, int causalOffset) {
            #pragma unroll
            for (int n = 0; n < KEYS / 8; n++) {
                #pragma unroll
                for (int i = 0; i < 4; i++) {
                    const int key = firstKey + n * 8 + threadIdx.x % 4 * 2 + i % 2;
                    const int end = causalOffset >= 0 ? min(keyEnd, row + i / 2 * 8 + causalOffset + 1) : keyEnd;
                    if (key >= end) scores[n][i] = -INFINITY;
                }
            }
        }

        template <int SIZE>
        DEVICE void flashAttention(const u16 *query, const u16 *key, const u16 *value, View output, const Tile *tiles, int queries,
                                   int keys, int heads, int keyHeads, float scale, int causalOffset) {
            extern __shared__ __align__(16) unsigned char memory[];
            enum { BLOCK = KEYS * Padded<SIZE>::STRIDE };
            u16 *blocks = (u16 *)memory;
            const Tile tile = tileAt(tiles, blockIdx.x, QUERIES, queries, keys);
            const int head = blockIdx.y, keyHead = head / (heads / keyHeads);
            const i64 queryStride = (i64)heads * SIZE, keyStride = (i64)keyHeads * SIZE;
            const u16 *k0 = key + (i64)keyHead * SIZE, *v0 = value + (i64)keyHead * SIZE;
            const int row = tile.queryStart + threadIdx.x / 32 * 16 + threadIdx.x % 32 / 4;
            u32 q[SIZE / 16][4];
            loadQueries<SIZE>(q, query + (i64)head * SIZE, queryStride, row, tile.queryEnd);
            float sums[SIZE / 8][4];
            #pragma unroll
            for (int n = 0; n < SIZE / 8; n++)
                for (int i = 0; i < 4; i++) sums[n][i] = 0;
            Running running = {{-INFINITY, -INFINITY}, {0, 0}};
            const int end = causalOffset >= 0 ? min(tile.keyEnd, tile.queryEnd + causalOffset) : tile.keyEnd;
            const int count = (end - tile.keyStart + KEYS - 1) / KEYS;
            loadBlock<SIZE>(blocks, k0, keyStride, tile.keyStart, end);
            loadBlock<SIZE>(blocks + BLOCK, v0, keyStride, tile.keyStart, end);
            commitCopies();
            for (int i = 0; i < count; i++) {
                const int start = tile.keyStart + i * KEYS;
                u16 *now = blocks + i % 2 * 2 * BLOCK, *next = blocks + (i + 1) % 2 * 2 * BLOCK;
                if (i + 1 < count) {
                    loadBlock<SIZE>(next, k0, keyStride, start + KEYS, end);
                    loadBlock<SIZE>(next + BLOCK, v0, keyStride, start + KEYS, end);
                    commitCopies();
                    awaitCopies<1>();
                } else {
                    awaitCopies<0>();
                }
                __syncthreads();
                float scores[KEYS / 8][4], fade[2];
                scoreBlock<SIZE>(scores, q, now);
                if (start + KEYS > end || (causalOffset >= 0 && start + KEYS > tile.queryStart + causalOffset + 1))
                    mask(scores, row, start, end, causalOffset);
                weigh(scores, running, scale * 1.4426950408889634f, fade);
                #pragma unroll
                for (int n = 0; n < SIZE / 8; n++)
                    for (int j = 0; j < 4; j++) sums[n][j] *= fade[j / 2];
                addValues<SIZE>(sums, scores, now + BLOCK);
                // The next turn's copies overwrite this block.
                __syncthreads();
            }
            #pragma unroll
            for (int r = 0; r < 2; r++) {
                float total = running.total[r];
                total += __shfl_xor_sync(FULL, total, 1);
                total += __shfl_xor_sync(FULL, total, 2);
                const i64 first = ((i64)(row + r * 8) * heads + head) * SIZE + threadIdx.x % 4 * 2;
                if (row + r * 8 >= tile.queryEnd) continue;
                #pragma unroll
                for (int n = 0; n < SIZE / 8; n++) {
                    store(output, first + n * 8, sums[n][2 * r] / total);
                    store(output, first + n * 8 + 1, sums[n][2 * r + 1] / total);
                }
            }
        }

        #define FLASH_ATTENTION(SIZE)                                                                                        \
            extern "C" __global__ void __launch_bounds__(FLASH_THREADS) attention_flash_##SIZE(                              \
                const u16 *query, const u16 *key, const u16 *value, View output, const Tile *tiles, int queries, int keys,   \
                int heads, int keyHeads, float scale, int causalOffset) {                                                    \
                flashAttention<SIZE>(query, key, value, output, tiles, queries, keys, heads, keyHeads, scale, causalOffset); \
            }
        FLASH_ATTENTION(16)
        FLASH_ATTENTION(64)
        FLASH_ATTENTION(80)
        FLASH_ATTENTION(128)
        """#
}
