// Tiles of a matrix product, once for each type of operand. Included with these defined:
//   TILES_NAME      the function's name
//   TILES_UNIT      a unit of depth: a float, a word of two bfloat16 or of four 8-bit integers
//   TILES_TARGET    the instructions that it is compiled for
//   TILES_VECTOR    sixteen units of a panel
//   TILES_LOAD(p)   loads them
//   TILES_SPREAD(p) the unit at p in all lanes
//   TILES_SUM       sixteen sums
//   TILES_ZERO      sums of nothing
//   TILES_STEP(sum, panel, weight)   sum + panel * weight
//   TILES_ADD(a, b) and TILES_CAST(sum)   sums of two slices of the depth; sums as the floats that are stored
//
// A tile is 8 rows of the weight times up to 3 vectors of input rows, whose 24 sums stay in registers while the depth passes. The input
// comes in panels (see mica_pack_rows_*), so that a vector holds the same unit of 16 rows; the weight is read where it lies, a unit of
// a row at a time, and no copy of it is made.

#define TILES_JOIN(a, b) a##_##b
#define TILES_PASTE(a, b) TILES_JOIN(a, b)
#define TILES_TILE(VECTORS) TILES_PASTE(TILES_PASTE(TILES_NAME, tile), VECTORS)

// Sums of one vector of rows and 8 columns, turned around and written (or added) to `rows` rows of the output.
static inline __attribute__((always_inline)) TILES_TARGET void TILES_PASTE(TILES_NAME, store)(
    const TILES_SUM *sum, size_t step, float *y, size_t y_stride, size_t rows, size_t columns, int adds) {
    __m512 s[8], t[8];
    for (int j = 0; j < 8; j++) s[j] = TILES_CAST(sum[(size_t)j * step]);
    // In each quarter of a vector, a 4 x 4 square is turned: afterwards quarter q of t[i] has row 4q + i, columns 0-3, of t[4 + i]
    // columns 4-7.
    for (int half = 0; half < 8; half += 4) {
        const __m512 a = _mm512_unpacklo_ps(s[half], s[half + 1]), b = _mm512_unpackhi_ps(s[half], s[half + 1]);
        const __m512 c = _mm512_unpacklo_ps(s[half + 2], s[half + 3]), d = _mm512_unpackhi_ps(s[half + 2], s[half + 3]);
        t[half + 0] = _mm512_shuffle_ps(a, c, 0x44);
        t[half + 1] = _mm512_shuffle_ps(a, c, 0xee);
        t[half + 2] = _mm512_shuffle_ps(b, d, 0x44);
        t[half + 3] = _mm512_shuffle_ps(b, d, 0xee);
    }
    for (size_t row = 0; row < rows; row++) {
        float line[8];
        const size_t i = row % 4, q = row / 4;
        __m128 low, high;
        switch (q) {
        case 0: low = _mm512_extractf32x4_ps(t[i], 0), high = _mm512_extractf32x4_ps(t[4 + i], 0); break;
        case 1: low = _mm512_extractf32x4_ps(t[i], 1), high = _mm512_extractf32x4_ps(t[4 + i], 1); break;
        case 2: low = _mm512_extractf32x4_ps(t[i], 2), high = _mm512_extractf32x4_ps(t[4 + i], 2); break;
        default: low = _mm512_extractf32x4_ps(t[i], 3), high = _mm512_extractf32x4_ps(t[4 + i], 3); break;
        }
        float *target = y + row * y_stride;
        if (columns == 8) {
            if (adds) {
                low = TILES_ADD(_mm_loadu_ps(target), low);
                high = TILES_ADD(_mm_loadu_ps(target + 4), high);
            }
            _mm_storeu_ps(target, low);
            _mm_storeu_ps(target + 4, high);
            continue;
        }
        const __mmask8 mask = (__mmask8)((1u << columns) - 1);
        __m256 both = _mm256_set_m128(high, low);
        if (adds) {
            const __m256 before = _mm256_maskz_loadu_ps(mask, target);
            _mm_storeu_ps(line, TILES_ADD(_mm256_castps256_ps128(before), low));
            _mm_storeu_ps(line + 4, TILES_ADD(_mm256_extractf128_ps(before, 1), high));
            both = _mm256_loadu_ps(line);
        }
        _mm256_mask_storeu_ps(target, mask, both);
    }
}

#define TILE(VECTORS)                                                                                                                 \
    static inline __attribute__((always_inline)) TILES_TARGET void TILES_TILE(VECTORS)(                                              \
        const TILES_UNIT *panel, size_t units, const TILES_UNIT *const w[8], float *y, size_t y_stride, size_t rows, size_t columns, \
        int adds) {                                                                                                                  \
        TILES_SUM sum[8][VECTORS];                                                                                                   \
        _Pragma("clang loop unroll(full)") for (int j = 0; j < 8; j++)                                                               \
            _Pragma("clang loop unroll(full)") for (int v = 0; v < VECTORS; v++) sum[j][v] = TILES_ZERO;                             \
        for (size_t u = 0; u < units; u++, panel += 16 * VECTORS) {                                                                  \
            TILES_VECTOR x[VECTORS];                                                                                                 \
            _Pragma("clang loop unroll(full)") for (int v = 0; v < VECTORS; v++) x[v] = TILES_LOAD(panel + 16 * v);                  \
            _Pragma("clang loop unroll(full)") for (int j = 0; j < 8; j++) {                                                         \
                const TILES_VECTOR unit = TILES_SPREAD(w[j] + u);                                                                    \
                _Pragma("clang loop unroll(full)") for (int v = 0; v < VECTORS; v++)                                                 \
                    sum[j][v] = TILES_STEP(sum[j][v], x[v], unit);                                                                   \
            }                                                                                                                        \
        }                                                                                                                            \
        for (size_t v = 0; v * 16 < rows; v++)                                                                                       \
            TILES_PASTE(TILES_NAME, store)(&sum[0][v], VECTORS, y + v * 16 * y_stride, y_stride, rows - v * 16 < 16 ? rows - v * 16 : 16, \
                                           columns, adds);                                                                           \
    }
TILE(3)
TILE(2)
TILE(1)
#undef TILE

TILES_TARGET void TILES_NAME(const void *panel, size_t rows, size_t units, const void *weight, size_t weight_bytes, size_t columns,
                             float *y, size_t y_stride, int adds) {
    const TILES_UNIT *w[8];
    // Beyond the last column its row is read again, for sums that are not stored.
    for (size_t j = 0; j < 8; j++) w[j] = (const TILES_UNIT *)((const char *)weight + (j < columns ? j : columns - 1) * weight_bytes);
    if (rows > 32) TILES_TILE(3)(panel, units, w, y, y_stride, rows, columns, adds);
    else if (rows > 16) TILES_TILE(2)(panel, units, w, y, y_stride, rows, columns, adds);
    else TILES_TILE(1)(panel, units, w, y, y_stride, rows, columns, adds);
}
#undef TILES_JOIN
#undef TILES_PASTE
#undef TILES_TILE
#undef TILES_NAME
#undef TILES_UNIT
#undef TILES_TARGET
#undef TILES_VECTOR
#undef TILES_LOAD
#undef TILES_SPREAD
#undef TILES_SUM
#undef TILES_ZERO
#undef TILES_STEP
#undef TILES_ADD
#undef TILES_CAST
