#include "bf16.h"

#if defined(__x86_64__)
#include <cpuid.h>

int mica_has_amx(void) {
    unsigned a, b, c, d;
    // Leaf 7: AMX-BF16, AMX-TILE, AMX-INT8.
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & 1u << 22) && (d & 1u << 24) && (d & 1u << 25);
}
#else
int mica_has_amx(void) { return 0; }
#endif

// Matrix products on CPUs with AVX-512; see product_tiles.h.

#if defined(__x86_64__)

// Vectors of a panel of so many rows.
static inline size_t panel_width(size_t rows) { return rows > 32 ? 48 : (rows > 16 ? 32 : 16); }

// Words of up to 16 rows turned around: rows[i][k] to panel[k * width + i], for 16 values of k.
static inline __attribute__((always_inline)) F32_TARGET void turn(const __m512i row[16], uint32_t *panel, size_t width) {
    __m512i a[16], b[16];
    for (int i = 0; i < 16; i += 2) {
        a[i] = _mm512_unpacklo_epi32(row[i], row[i + 1]);
        a[i + 1] = _mm512_unpackhi_epi32(row[i], row[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
        b[i] = _mm512_unpacklo_epi64(a[i], a[i + 2]);
        b[i + 1] = _mm512_unpackhi_epi64(a[i], a[i + 2]);
        b[i + 2] = _mm512_unpacklo_epi64(a[i + 1], a[i + 3]);
        b[i + 3] = _mm512_unpackhi_epi64(a[i + 1], a[i + 3]);
    }
    // b[4g + i], quarter q: word 4q + i of rows 4g to 4g + 3.
    for (int i = 0; i < 4; i++) {
        const __m512i low = _mm512_shuffle_i32x4(b[i], b[4 + i], 0x44), low2 = _mm512_shuffle_i32x4(b[8 + i], b[12 + i], 0x44);
        const __m512i high = _mm512_shuffle_i32x4(b[i], b[4 + i], 0xee), high2 = _mm512_shuffle_i32x4(b[8 + i], b[12 + i], 0xee);
        _mm512_storeu_si512(panel + (size_t)i * width, _mm512_shuffle_i32x4(low, low2, 0x88));
        _mm512_storeu_si512(panel + (size_t)(4 + i) * width, _mm512_shuffle_i32x4(low, low2, 0xdd));
        _mm512_storeu_si512(panel + (size_t)(8 + i) * width, _mm512_shuffle_i32x4(high, high2, 0x88));
        _mm512_storeu_si512(panel + (size_t)(12 + i) * width, _mm512_shuffle_i32x4(high, high2, 0xdd));
    }
}

// A panel from words of `per` elements that LOAD takes from a row: 16 at a time, `left` of the row's elements or more than it wants.
#define PACK(PER, LOAD)                                                                                                               \
    const size_t width = panel_width(rows), units = (depth + PER - 1) / PER;                                                         \
    for (size_t first = 0; first < width; first += 16)                                                                               \
        for (size_t k = 0; k < units; k += 16) {                                                                                     \
            const size_t left = depth - k * PER;                                                                                     \
            __m512i row[16];                                                                                                         \
            for (size_t i = 0; i < 16; i++)                                                                                          \
                row[i] = first + i < rows ? LOAD(x + (first + i) * depth + k * PER, left) : _mm512_setzero_si512();                  \
            if (units - k >= 16) {                                                                                                   \
                turn(row, panel + k * width + first, width);                                                                         \
                continue;                                                                                                            \
            }                                                                                                                        \
            uint32_t rest[16 * 16];                                                                                                  \
            turn(row, rest, 16);                                                                                                     \
            for (size_t i = 0; k + i < units; i++) memcpy(panel + (k + i) * width + first, rest + 16 * i, 64);                       \
        }

// Up to sixteen floats.
static inline __attribute__((always_inline)) F32_TARGET __m512 load_floats(const float *x, size_t left) {
    return _mm512_maskz_loadu_ps(left >= 16 ? 0xffff : (__mmask16)((1u << left) - 1), x);
}

static inline __attribute__((always_inline)) F32_TARGET __m512i load_words(const float *x, size_t left) {
    return _mm512_castps_si512(load_floats(x, left));
}

// Up to 32 floats as words of two bfloat16.
BF16_INLINE __m512i load_pairs(const float *x, size_t left) {
    const __m512 high = left > 16 ? load_floats(x + 16, left - 16) : _mm512_setzero_ps();
    return (__m512i)_mm512_cvtne2ps_pbh(high, load_floats(x, left));
}

// Up to 64 bytes as words of four.
static inline __attribute__((always_inline)) F32_TARGET __m512i load_fours(const uint8_t *x, size_t left) {
    return _mm512_maskz_loadu_epi8(left >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << left) - 1, x);
}

F32_TARGET void mica_pack_rows_f32(const float *x, size_t rows, size_t depth, void *panels) {
    uint32_t *panel = panels;
    PACK(1, load_words)
}

BF16_TARGET void mica_pack_rows_bf16(const float *x, size_t rows, size_t depth, void *panels) {
    uint32_t *panel = panels;
    PACK(2, load_pairs)
}

F32_TARGET void mica_pack_rows_u8(const uint8_t *x, size_t rows, size_t depth, void *panels) {
    uint32_t *panel = panels;
    PACK(4, load_fours)
}

#define SPREAD_WORD(p) _mm512_set1_epi32(*(const int32_t *)(const void *)(p))

#define TILES_NAME mica_product_f32
#define TILES_UNIT float
#define TILES_TARGET F32_TARGET
#define TILES_VECTOR __m512
#define TILES_LOAD(p) _mm512_loadu_ps(p)
#define TILES_SPREAD(p) _mm512_set1_ps(*(p))
#define TILES_SUM __m512
#define TILES_ZERO _mm512_setzero_ps()
#define TILES_STEP(sum, panel, weight) _mm512_fmadd_ps(panel, weight, sum)
#define TILES_ADD(a, b) _mm_add_ps(a, b)
#define TILES_CAST(sum) (sum)
#include "product_tiles.h"

#define TILES_NAME mica_product_bf16
#define TILES_UNIT uint32_t
#define TILES_TARGET BF16_TARGET
#define TILES_VECTOR __m512i
#define TILES_LOAD(p) _mm512_loadu_si512(p)
#define TILES_SPREAD(p) SPREAD_WORD(p)
#define TILES_SUM __m512
#define TILES_ZERO _mm512_setzero_ps()
#define TILES_STEP(sum, panel, weight) _mm512_dpbf16_ps(sum, (__m512bh)(panel), (__m512bh)(weight))
#define TILES_ADD(a, b) _mm_add_ps(a, b)
#define TILES_CAST(sum) (sum)
#include "product_tiles.h"

#define TILES_NAME mica_product_u8s8
#define TILES_UNIT uint32_t
#define TILES_TARGET S8_TARGET
#define TILES_VECTOR __m512i
#define TILES_LOAD(p) _mm512_loadu_si512(p)
#define TILES_SPREAD(p) SPREAD_WORD(p)
#define TILES_SUM __m512i
#define TILES_ZERO _mm512_setzero_si512()
#define TILES_STEP(sum, panel, weight) _mm512_dpbusd_epi32(sum, panel, weight)
#define TILES_ADD(a, b) _mm_castsi128_ps(_mm_add_epi32(_mm_castps_si128(a), _mm_castps_si128(b)))
#define TILES_CAST(sum) _mm512_castsi512_ps(sum)
#include "product_tiles.h"

#else
#define ABSENT __builtin_trap()
void mica_pack_rows_f32(const float *x, size_t rows, size_t depth, void *panels) { ABSENT; }
void mica_pack_rows_bf16(const float *x, size_t rows, size_t depth, void *panels) { ABSENT; }
void mica_pack_rows_u8(const uint8_t *x, size_t rows, size_t depth, void *panels) { ABSENT; }
void mica_product_f32(const void *panel, size_t rows, size_t units, const void *weight, size_t weight_bytes, size_t columns, float *y,
                      size_t y_stride, int adds) {
    ABSENT;
}
void mica_product_bf16(const void *panel, size_t rows, size_t units, const void *weight, size_t weight_bytes, size_t columns, float *y,
                       size_t y_stride, int adds) {
    ABSENT;
}
void mica_product_u8s8(const void *panel, size_t rows, size_t units, const void *weight, size_t weight_bytes, size_t columns, float *y,
                       size_t y_stride, int adds) {
    ABSENT;
}
#endif
