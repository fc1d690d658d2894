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

// What the integers of a slice may be at most: the largest of them, and their length.
typedef struct {
    float largest, length;
} Limits;

// Of slices of up to MICA_SLICE elements, so that sums of their products fit 32 bits and two elements 16 bits together. A length of
// 46,340 would be the root of the largest sum; rounding adds half a step an element, 8 to the length of 256. Single precision is off by
// as much as 1 in a million.
static const Limits unmixed = {16383, MICA_LENGTH};

AVX2_INLINE float integer_scale(float largest, float squares, Limits limits) {
    const float length = sqrtf(squares) * (1 / limits.length), single = largest * (1 / limits.largest);
    // Written so that a length which is no number is taken.
    return length < single ? single : length;
}

// 16 values as integers, whose units come in the order 0, 2, 1, 3, as vpackssdw leaves them.
AVX2_INLINE __m256i integers(const float *x, __m256 factor) {
    return _mm256_packs_epi32(_mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x), factor)),
                              _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + 8), factor)));
}

// 16 bytes of a row as 16 bits each; zeros after its end, and for a row that there is none of.
AVX2_INLINE __m128i bytes(const void *x, size_t left) {
    uint8_t some[16] = {0};
    if (left >= 16) return _mm_loadu_si128(x);
    memcpy(some, x, left);
    return _mm_loadu_si128((const __m128i *)some);
}

// 16 values of a row as integers; zeros after its end.
AVX2_INLINE __m256i integers_of(const float *x, size_t left, __m256 factor) {
    float rest[16] = {0};
    if (left >= 16) return integers(x, factor);
    memcpy(rest, x, left * sizeof(float));
    return integers(rest, factor);
}

// The largest magnitude and the sum of squares of values times `factor`; the sum is none where a value is none.
AVX2_INLINE float measure(const float *x, size_t count, float factor, float *squares) {
    const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff)), factors = _mm256_set1_ps(factor);
    __m256 top[4], sum[4];
    for (int k = 0; k < 4; k++) top[k] = sum[k] = _mm256_setzero_ps();
    float rest[32] = {0};
    const size_t whole = count / 32 * 32;
    if (whole < count) memcpy(rest, x + whole, (count - whole) * sizeof(float));
    for (size_t i = 0; i < count; i += 32)
        _Pragma("clang loop unroll(full)") for (int k = 0; k < 4; k++) {
            const __m256 v = _mm256_mul_ps(_mm256_loadu_ps((i < whole ? x + i : rest) + k * 8), factors);
            top[k] = _mm256_max_ps(_mm256_and_ps(v, magnitude), top[k]);
            sum[k] = _mm256_fmadd_ps(v, v, sum[k]);
        }
    *squares = sum_of_lanes(_mm256_add_ps(_mm256_add_ps(sum[0], sum[1]), _mm256_add_ps(sum[2], sum[3])));
    return largest_lane(_mm256_max_ps(_mm256_max_ps(top[0], top[1]), _mm256_max_ps(top[2], top[3])));
}

// The scale of a slice; 0 for zeros, and for what is too small to be divided by.
AVX2_INLINE float slice_scale(const float *x, size_t count, Limits limits) {
    float squares, factor = 1, largest = measure(x, count, factor, &squares);
    // Squares that may have overflowed or vanished are taken again, of values near 1.
    if (largest < 1e-12f || largest > 1e15f) {
        factor = largest < 1e-30f ? 0 : 1 / largest;
        largest = measure(x, count, factor, &squares);
    }
    return factor == 0 && squares == 0 ? 0 : integer_scale(largest, squares, limits) / factor;
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

// Words of eight rows turned around, to lines `line_stride` words apart.
AVX2_INLINE void turn_words(const __m256i row[8], uint32_t *lines, size_t line_stride) {
    __m256i line[8];
    turned(row, line);
    for (size_t i = 0; i < 8; i++) _mm256_storeu_si256((__m256i *)(lines + i * line_stride), line[i]);
}

static const uint8_t as_packed[4] = {0, 2, 1, 3};

// Units of eight rows become those of a panel, at most `units` of four, which `order` says where to find; the excesses are added up.
AVX2_INLINE __m256i turn_units(const __m256i row[8], const uint8_t order[4], size_t units, uint32_t *panel, __m256i excess) {
    __m256i line[8];
    turned(row, line);
    for (size_t u = 0; u < 4; u++) {
        const __m256i *const words = line + 2 * order[u];
        excess = _mm256_add_epi32(_mm256_madd_epi16(words[0], words[1]), excess);
        if (u >= units) continue;
        for (size_t k = 0; k < 2; k++) _mm256_storeu_si256((__m256i *)(panel + (2 * u + k) * MICA_PAIR_COLUMNS), words[k]);
    }
    return excess;
}

#endif
