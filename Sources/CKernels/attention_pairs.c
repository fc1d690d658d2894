#include "pairs.h"

// Softmax between the two products of attention as 16-bit integers (products_avx2.c): scores come and weights go in the layouts that
// these have, panels of 16 keys and groups of six rows.

#if defined(__x86_64__)

// One row's scores, which lie `stride` floats apart from panel to panel.
typedef struct {
    float *scores;
    size_t stride;
    // Panels of which a key is seen.
    size_t panels;
} Row;

AVX2_INLINE float largest_score(Row row, size_t seen) {
    // What is hidden behind the last key that is seen.
    for (size_t i = seen; i < row.panels * 16; i++) row.scores[i / 16 * row.stride + i % 16] = -INFINITY;
    __m256 low = _mm256_loadu_ps(row.scores), high = _mm256_loadu_ps(row.scores + 8);
    for (size_t p = 1; p < row.panels; p++) {
        low = _mm256_max_ps(_mm256_loadu_ps(row.scores + p * row.stride), low);
        high = _mm256_max_ps(_mm256_loadu_ps(row.scores + p * row.stride + 8), high);
    }
    return largest_lane(_mm256_max_ps(low, high));
}

// 2^x for x <= 0, within 3 parts in a million; where x is below -126, about 2^-126. NaN stays NaN.
AVX2_INLINE __m256 power_of_two(__m256 x) {
    // Where this is added, the fraction's last bits are the nearest integer.
    const __m256 shift = _mm256_set1_ps(0x1.8p23f);
    x = _mm256_max_ps(_mm256_set1_ps(-126), x);
    const __m256 moved = _mm256_add_ps(x, shift);
    const __m256 r = _mm256_sub_ps(x, _mm256_sub_ps(moved, shift));
    // 2^r for -0.5 ... 0.5, fitted for the least relative error.
    __m256 p = _mm256_fmadd_ps(_mm256_set1_ps(0.009570101792f), r, _mm256_set1_ps(0.05591786031f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0.2402474483f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0.6931218147f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0.9999992614f));
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), _mm256_slli_epi32(_mm256_castps_si256(moved), 23)));
}

// Scores become 2^(score - top); returns their sum.
AVX2_INLINE float powers(Row row, float top) {
    const __m256 tops = _mm256_set1_ps(top);
    __m256 low = _mm256_setzero_ps(), high = _mm256_setzero_ps();
    for (size_t p = 0; p < row.panels; p++) {
        float *s = row.scores + p * row.stride;
        const __m256 first = power_of_two(_mm256_sub_ps(_mm256_loadu_ps(s), tops));
        const __m256 second = power_of_two(_mm256_sub_ps(_mm256_loadu_ps(s + 8), tops));
        _mm256_storeu_ps(s, first);
        _mm256_storeu_ps(s + 8, second);
        low = _mm256_add_ps(low, first);
        high = _mm256_add_ps(high, second);
    }
    return sum_of_lanes(_mm256_add_ps(low, high));
}

// Weights of a group's rows as integers; zeros for keys that a row does not see, and for rows that there are none of.
AVX2_INLINE void pack_weights(const Row rows[MICA_PAIR_ROWS], const float *scales, size_t panels, uint32_t *group) {
    __m256 factors[MICA_PAIR_ROWS];
    for (size_t i = 0; i < MICA_PAIR_ROWS; i++) factors[i] = _mm256_set1_ps(scales[i] == 0 ? 0 : 1 / scales[i]);
    for (size_t p = 0; p < panels; p++) {
        __m256i words[8];
        for (size_t i = 0; i < 8; i++)
            words[i] = i < MICA_PAIR_ROWS && p < rows[i].panels ? integers(rows[i].scores + p * rows[i].stride, factors[i])
                                                                : _mm256_setzero_si256();
        turn_group(words, group + p * 8 * MICA_PAIR_ROWS);
    }
}

AVX2_TARGET void mica_softmax_pairs(float *scores, size_t rows, size_t stride, size_t keys, const int32_t *visible, float *maximum,
                                    float *sum, float *accumulated, size_t accumulated_panels, uint32_t *groups, float *scales) {
    const size_t panels = (keys + 15) / 16;
    for (size_t first = 0; first < rows; first += MICA_PAIR_ROWS) {
        Row group[MICA_PAIR_ROWS] = {0};
        for (size_t r = first; r < rows && r < first + MICA_PAIR_ROWS; r++) {
            const int32_t limit = visible ? visible[r] : (int32_t)keys;
            const size_t seen = limit < 0 ? 0 : ((size_t)limit < keys ? (size_t)limit : keys);
            const Row row = {scores + r * 16, stride, (seen + 15) / 16};
            group[r - first] = row;
            scales[r] = 0;
            if (seen == 0) continue;
            const float block = largest_score(row, seen), top = block > maximum[r] ? block : maximum[r];
            const float added = powers(row, top), largest = exp2f(block - top);
            if (top > maximum[r]) {
                // The first block finds a maximum of -infinity: nothing was accumulated yet.
                const float factor = maximum[r] == -INFINITY ? 0 : exp2f(maximum[r] - top);
                for (size_t p = 0; p < accumulated_panels; p++)
                    for (size_t i = 0; i < 16; i++) accumulated[p * stride + r * 16 + i] *= factor;
                sum[r] *= factor;
                maximum[r] = top;
            }
            sum[r] += added;
            // None of the squares is more than its root times the largest.
            scales[r] = integer_scale(largest, largest * added);
        }
        pack_weights(group, scales + first, panels, groups + first * panels * 8);
    }
}

#else
void mica_softmax_pairs(float *scores, size_t rows, size_t stride, size_t keys, const int32_t *visible, float *maximum, float *sum,
                        float *accumulated, size_t accumulated_panels, uint32_t *groups, float *scales) {
    __builtin_trap();
}
#endif
