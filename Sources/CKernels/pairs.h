// What makes 16-bit integers of floats and lays them out, see products_avx2.c.
#pragma once
#include "avx2.h"

#if defined(__x86_64__)

AVX2_INLINE float largest_lane(__m256 v) {
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
}

AVX2_INLINE float sum_of_lanes(__m256 v) {
    __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    four = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
}

// Words of eight rows turned around: word k of row i becomes word i of line k.
AVX2_INLINE void turned(const __m256i row[8], __m256i line[8]) {
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
        line[i] = _mm256_permute2x128_si256(b[i], b[4 + i], 0x20);
        line[4 + i] = _mm256_permute2x128_si256(b[i], b[4 + i], 0x31);
    }
}

// The scale of up to MICA_SLICE values as 16-bit integers, of which the largest and the sum of squares are known: with it, their length
// is at most 46,340, the root of the largest sum, and two of them fit 16 bits together.
AVX2_INLINE float integer_scale(float largest, float squares) {
    // Rounding adds half a step an element, 8 to the length of 256; single precision as much as 1 in a million.
    const float length = sqrtf(squares) * (1 / 46330.0f), single = largest * (1 / 16383.0f);
    // Written so that a length which is no number is taken.
    return length < single ? single : length;
}

// 16 values as integers, whose units come in the order 0, 2, 1, 3, as vpackssdw leaves them.
AVX2_INLINE __m256i integers(const float *x, __m256 factor) {
    return _mm256_packs_epi32(_mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x), factor)),
                              _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 8), factor)));
}

// The first `units` of four of two rows, in that order, become a group's; each unit's excess is added to its row's, twice.
AVX2_INLINE __m256i pack_units(__m256i first, __m256i second, size_t units, uint32_t *group, __m256i excess) {
    const __m256i pairs[2] = {_mm256_unpacklo_epi64(first, second), _mm256_unpackhi_epi64(first, second)};
    for (size_t i = 0; i < 2; i++) {
        excess = _mm256_add_epi32(_mm256_madd_epi16(pairs[i], _mm256_shuffle_epi32(pairs[i], 0xb1)), excess);
        if (units >= 2 * i + 2) _mm256_storeu_si256((__m256i *)(group + i * 8), pairs[i]);
        else if (units == 2 * i + 1) _mm_storeu_si128((__m128i *)(group + i * 8), _mm256_castsi256_si128(pairs[i]));
    }
    return excess;
}

// The excesses of two rows.
AVX2_INLINE void store_excess(__m256i excess, uint32_t *excesses) {
    const __m128i rows = _mm_add_epi32(_mm256_castsi256_si128(excess), _mm256_extracti128_si256(excess, 1));
    excesses[0] = (uint32_t)_mm_extract_epi32(rows, 0);
    excesses[1] = (uint32_t)_mm_extract_epi32(rows, 2);
}

#endif
