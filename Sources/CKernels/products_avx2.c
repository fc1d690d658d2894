#include "avx2.h"

// Products of 8-bit integers on CPUs that have AVX2 and nothing wider: both operands become 16 bits, two of which lie in a word, and
// vpmaddwd sums the products of two words' halves exactly. (vpmaddubsw, for bytes, would cut sums off at 16 bits.)

void mica_pack_pairs_u8(const uint8_t *x, size_t rows, size_t depth, uint32_t *groups) {
    const size_t units = (depth + 1) / 2;
    for (size_t first = 0; first < rows; first += MICA_PAIR_ROWS, groups += units * MICA_PAIR_ROWS)
        for (size_t i = 0; i < MICA_PAIR_ROWS; i++) {
            const uint8_t *row = x + (first + i) * depth;
            if (first + i >= rows) {
                for (size_t u = 0; u < units; u++) groups[u * MICA_PAIR_ROWS + i] = 0;
                continue;
            }
            for (size_t u = 0; u < depth / 2; u++) groups[u * MICA_PAIR_ROWS + i] = row[2 * u] | (uint32_t)row[2 * u + 1] << 16;
            if (depth % 2) groups[(units - 1) * MICA_PAIR_ROWS + i] = row[depth - 1];
        }
}

#if defined(__x86_64__)

// Words of eight rows turned around: word k of row i becomes word i of line k.
AVX2_INLINE void turn_words(const __m256i row[8], uint32_t *lines, size_t line_stride) {
    __m256i a[8], b[8];
    for (int i = 0; i < 8; i += 2) {
        a[i] = _mm256_unpacklo_epi32(row[i], row[i + 1]);
        a[i + 1] = _mm256_unpackhi_epi32(row[i], row[i + 1]);
    }
    for (int i = 0; i < 8; i += 4) {
        b[i] = _mm256_unpacklo_epi64(a[i], a[i + 2]);
        b[i + 1] = _mm256_unpackhi_epi64(a[i], a[i + 2]);
        b[i + 2] = _mm256_unpacklo_epi64(a[i + 1], a[i + 3]);
        b[i + 3] = _mm256_unpackhi_epi64(a[i + 1], a[i + 3]);
    }
    for (int i = 0; i < 4; i++) {
        _mm256_storeu_si256((__m256i *)(lines + (size_t)i * line_stride), _mm256_permute2x128_si256(b[i], b[4 + i], 0x20));
        _mm256_storeu_si256((__m256i *)(lines + (size_t)(4 + i) * line_stride), _mm256_permute2x128_si256(b[i], b[4 + i], 0x31));
    }
}

AVX2_TARGET void mica_pack_pairs_s8(const int8_t *x, size_t stride, size_t rows, size_t elements, uint32_t *panel) {
    const size_t whole = elements / 16 * 16;
    for (size_t half = 0; half < 16; half += 8) {
        uint32_t *const corner = panel + half;
        for (size_t e = 0; e < whole; e += 16) {
            __m256i row[8];
            for (size_t i = 0; i < 8; i++)
                row[i] = half + i < rows ? _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(x + (half + i) * stride + e)))
                                         : _mm256_setzero_si256();
            turn_words(row, corner + e / 2 * 16, 16);
        }
        for (size_t e = whole; e < elements; e += 2)
            for (size_t i = 0; i < 8; i++) {
                const int8_t *pair = x + (half + i) * stride + e;
                const int low = half + i < rows ? pair[0] : 0, high = half + i < rows && e + 1 < elements ? pair[1] : 0;
                corner[e / 2 * 16 + i] = ((uint32_t)low & 0xffff) | (uint32_t)high << 16;
            }
    }
}

AVX2_TARGET void mica_product_pairs(const uint32_t *groups, size_t group_stride, size_t count, const uint32_t *panel, size_t units,
                                    int32_t *sums, int adds) {
    for (size_t g = 0; g < count; g++, groups += group_stride, sums += MICA_PAIR_ROWS * 16) {
        __m256i sum[MICA_PAIR_ROWS][2];
        __m256i *const stored = (__m256i *)sums;
        _Pragma("clang loop unroll(full)") for (int i = 0; i < MICA_PAIR_ROWS; i++)
            for (int half = 0; half < 2; half++)
                sum[i][half] = adds ? _mm256_loadu_si256(stored + 2 * i + half) : _mm256_setzero_si256();
        const uint32_t *words = groups, *line = panel;
        for (size_t u = 0; u < units; u++, words += MICA_PAIR_ROWS, line += 16) {
            const __m256i low = _mm256_loadu_si256((const __m256i *)line), high = _mm256_loadu_si256((const __m256i *)(line + 8));
            _Pragma("clang loop unroll(full)") for (int i = 0; i < MICA_PAIR_ROWS; i++) {
                const __m256i word = _mm256_set1_epi32((int32_t)words[i]);
                sum[i][0] = _mm256_add_epi32(sum[i][0], _mm256_madd_epi16(word, low));
                sum[i][1] = _mm256_add_epi32(sum[i][1], _mm256_madd_epi16(word, high));
            }
        }
        _Pragma("clang loop unroll(full)") for (int i = 0; i < MICA_PAIR_ROWS; i++)
            for (int half = 0; half < 2; half++) _mm256_storeu_si256(stored + 2 * i + half, sum[i][half]);
    }
}

#else
void mica_pack_pairs_s8(const int8_t *x, size_t stride, size_t rows, size_t elements, uint32_t *panel) { __builtin_trap(); }
void mica_product_pairs(const uint32_t *groups, size_t group_stride, size_t count, const uint32_t *panel, size_t units, int32_t *sums,
                        int adds) {
    __builtin_trap();
}
#endif
