#include "bf16.h"

#if defined(__x86_64__)

// Attention with bfloat16 products and float32 sums and softmax, on the dot-product instructions of AVX-512 BF16.
//
// Both products have the same inner kernel: rows of pairs of bfloat16, each pair broadcast, times a panel of 64 columns in which the
// two values of a pair lie side by side. Keys make panels of 64 keys over pairs along the head; values make panels of 64 head
// elements over pairs of keys.

int mica_has_bf16_products(void) { return has_avx512() && AVX512_HAS("avx512bf16"); }

// Word by word: packing is a hundredth of the whole.
BF16_TARGET void mica_pack_keys(const float *k, size_t stride, size_t keys, size_t size, uint32_t *panel) {
    const size_t pairs = size / 2;
    for (size_t j = 0; j < 64; j++) {
        const float *row = k + j * stride;
        for (size_t p = 0; p < pairs; p++) {
            uint32_t word = 0;
            if (j < keys) {
                const __m128bh both = _mm_cvtneps_pbh(_mm_castsi128_ps(_mm_loadl_epi64((const __m128i *)(row + 2 * p))));
                word = (uint32_t)_mm_cvtsi128_si32((__m128i)both);
            }
            panel[p * 64 + j] = word;
        }
    }
}

BF16_TARGET void mica_pack_values(const float *v, size_t stride, size_t keys, size_t size, size_t pairs, uint32_t *panel) {
    for (size_t c = 0; c < size; c += 64, panel += pairs * 64) {
        for (size_t p = 0; p < pairs; p++) {
            for (size_t part = 0; part < 4; part++) {
                const size_t column = c + part * 16;
                const long left = (long)size - (long)column;
                const __mmask16 mask = left >= 16 ? 0xffff : (left > 0 ? (__mmask16)((1u << left) - 1) : 0);
                const __m512 low = 2 * p < keys ? _mm512_maskz_loadu_ps(mask, v + 2 * p * stride + column) : _mm512_setzero_ps();
                const __m512 high = 2 * p + 1 < keys ? _mm512_maskz_loadu_ps(mask, v + (2 * p + 1) * stride + column) : _mm512_setzero_ps();
                _mm512_storeu_si512(panel + p * 64 + part * 16, bf16_pairs(low, high));
            }
        }
    }
}

// c [ROWS, 64] (+)= a [ROWS, pairs] * panel [pairs, 64]; a in words of one pair.
#define TILE(ROWS)                                                                                                                      \
    BF16_INLINE void tile_##ROWS(const uint32_t *a, size_t a_stride, const uint32_t *panel, size_t pairs, float *c, size_t c_stride,   \
                                 int adds) {                                                                                            \
        __m512 sum[ROWS][4];                                                                                                            \
        for (int r = 0; r < ROWS; r++)                                                                                                  \
            for (int i = 0; i < 4; i++) sum[r][i] = adds ? _mm512_loadu_ps(c + r * c_stride + i * 16) : _mm512_setzero_ps();            \
        for (size_t p = 0; p < pairs; p++) {                                                                                            \
            const uint32_t *b = panel + p * 64;                                                                                         \
            const __m512i b0 = _mm512_loadu_si512(b), b1 = _mm512_loadu_si512(b + 16), b2 = _mm512_loadu_si512(b + 32),                 \
                          b3 = _mm512_loadu_si512(b + 48);                                                                              \
            _Pragma("clang loop unroll(full)") for (int r = 0; r < ROWS; r++) {                                                         \
                const __m512i w = _mm512_set1_epi32((int)a[r * a_stride + p]);                                                          \
                sum[r][0] = bf16_multiply_add(sum[r][0], w, b0);                                                     \
                sum[r][1] = bf16_multiply_add(sum[r][1], w, b1);                                                     \
                sum[r][2] = bf16_multiply_add(sum[r][2], w, b2);                                                     \
                sum[r][3] = bf16_multiply_add(sum[r][3], w, b3);                                                     \
            }                                                                                                                           \
        }                                                                                                                               \
        for (int r = 0; r < ROWS; r++)                                                                                                  \
            for (int i = 0; i < 4; i++) _mm512_storeu_ps(c + r * c_stride + i * 16, sum[r][i]);                                         \
    }
TILE(6)
TILE(1)

BF16_INLINE void panel_product(const uint32_t *a, size_t a_stride, size_t rows, const uint32_t *panel, size_t pairs, float *c,
                               size_t c_stride, int adds) {
    size_t r = 0;
    for (; r + 6 <= rows; r += 6) tile_6(a + r * a_stride, a_stride, panel, pairs, c + r * c_stride, c_stride, adds);
    for (; r < rows; r++) tile_1(a + r * a_stride, a_stride, panel, pairs, c + r * c_stride, c_stride, adds);
}

// exp(x) for x <= 0 or NaN, within a few units in the last place of float32.
BF16_INLINE __m512 exp_nonpositive(__m512 x) {
    // Of a pair with NaN the instruction gives the second: NaN stays NaN.
    x = _mm512_max_ps(_mm512_set1_ps(-87.3f), x);
    const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504088896341f)), 0);
    __m512 r = _mm512_fmadd_ps(n, _mm512_set1_ps(-0.693359375f), x);
    r = _mm512_fmadd_ps(n, _mm512_set1_ps(2.12194440e-4f), r);
    __m512 p = _mm512_set1_ps(8.3334519073e-3f);
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(4.1665795894e-2f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.6666665459e-1f));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(5.0000001201e-1f));
    p = _mm512_fmadd_ps(p, _mm512_mul_ps(r, r), _mm512_add_ps(r, _mm512_set1_ps(1.0f)));
    return _mm512_scalef_ps(p, n);
}

// One row of a block of scores: becomes exp(score * scale - maximum) in bfloat16; returns the factor for what was summed so far.
BF16_INLINE float softmax_row(float *s, size_t columns, size_t first, size_t last, float scale, float *maximum, float *sum, uint16_t *out) {
    const __m512 lowest = _mm512_set1_ps(-INFINITY), factor = _mm512_set1_ps(scale);
    __m512 top = lowest;
    for (size_t i = 0; i < columns; i += 16) {
        __m512 v = _mm512_mul_ps(_mm512_loadu_ps(s + i), factor);
        if (i < first || i + 16 > last) {
            const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            const __m512i index = _mm512_add_epi32(_mm512_set1_epi32((int)i), lanes);
            const __mmask16 inside = _mm512_cmpge_epi32_mask(index, _mm512_set1_epi32((int)first))
                & _mm512_cmplt_epi32_mask(index, _mm512_set1_epi32((int)last));
            v = _mm512_mask_blend_ps(inside, lowest, v);
        }
        _mm512_storeu_ps(s + i, v);
        top = _mm512_max_ps(top, v);
    }
    const float block = _mm512_reduce_max_ps(top);
    const float old = *maximum, now = block > old ? block : old;
    const __m512 shift = _mm512_set1_ps(now);
    __m512 total = _mm512_setzero_ps();
    for (size_t i = 0; i < columns; i += 16) {
        const __m512 v = _mm512_loadu_ps(s + i);
        // What is hidden has a score of -infinity and must count nothing at all; NaN counts.
        const __mmask16 seen = _mm512_cmp_ps_mask(v, lowest, _CMP_NEQ_UQ);
        const __m512 e = _mm512_maskz_mov_ps(seen, exp_nonpositive(_mm512_sub_ps(v, shift)));
        total = _mm512_add_ps(total, e);
        _mm256_storeu_si256((__m256i *)(out + i), (__m256i)_mm512_cvtneps_pbh(e));
    }
    const float correction = old == now ? 1.0f : (old == -INFINITY ? 0.0f : expf(old - now));
    *maximum = now;
    *sum = *sum * correction + _mm512_reduce_add_ps(total);
    return correction;
}

BF16_TARGET void mica_round_rows_bf16(const float *x, size_t stride, size_t rows, size_t size, uint16_t *y) {
    for (size_t r = 0; r < rows; r++) {
        size_t i = 0;
        for (; i + 16 <= size; i += 16)
            _mm256_storeu_si256((__m256i *)(y + r * size + i), (__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(x + r * stride + i)));
        for (; i < size; i++) y[r * size + i] = (uint16_t)_mm_cvtsi128_si32((__m128i)_mm_cvtneps_pbh(_mm_set_ss(x[r * stride + i])));
    }
}

BF16_TARGET void mica_attention_block_bf16(const uint16_t *query, size_t rows, size_t size, const uint32_t *keys, const uint32_t *values,
                                           size_t block_keys, const int32_t *first, const int32_t *last, float scale, float *scores,
                                           uint16_t *weights, float *maximum, float *sum, float *accumulated) {
    const size_t padded = (size + 63) / 64 * 64;
    for (size_t panel = 0; panel < block_keys / 64; panel++)
        panel_product((const uint32_t *)query, size / 2, rows, keys + panel * 64 * (size / 2), size / 2, scores + panel * 64,
                      block_keys, 0);
    for (size_t r = 0; r < rows; r++) {
        const float correction = softmax_row(scores + r * block_keys, block_keys, (size_t)first[r], (size_t)last[r], scale, maximum + r,
                                             sum + r, weights + r * block_keys);
        if (correction != 1.0f) {
            const __m512 factor = _mm512_set1_ps(correction);
            float *a = accumulated + r * padded;
            for (size_t i = 0; i < padded; i += 16) _mm512_storeu_ps(a + i, _mm512_mul_ps(_mm512_loadu_ps(a + i), factor));
        }
    }
    for (size_t panel = 0; panel < padded / 64; panel++)
        panel_product((const uint32_t *)weights, block_keys / 2, rows, values + panel * 64 * (block_keys / 2), block_keys / 2,
                      accumulated + panel * 64, padded, 1);
}

#else
int mica_has_bf16_products(void) { return 0; }
void mica_pack_keys(const float *k, size_t stride, size_t keys, size_t size, uint32_t *panel) { __builtin_trap(); }
void mica_pack_values(const float *v, size_t stride, size_t keys, size_t size, size_t pairs, uint32_t *panel) { __builtin_trap(); }
void mica_round_rows_bf16(const float *x, size_t stride, size_t rows, size_t size, uint16_t *y) { __builtin_trap(); }
void mica_attention_block_bf16(const uint16_t *query, size_t rows, size_t size, const uint32_t *keys, const uint32_t *values,
                               size_t block_keys, const int32_t *first, const int32_t *last, float scale, float *scores, uint16_t *weights,
                               float *maximum, float *sum, float *accumulated) {
    __builtin_trap();
}
#endif
