#include "pairs.h"

// Softmax between the two products of attention as 16-bit integers (products_avx2.c): scores come and weights go in the layouts that
// these have, panels of 32 keys and groups of two rows.

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
    for (size_t i = seen; i < row.panels * MICA_PAIR_COLUMNS; i++)
        row.scores[i / MICA_PAIR_COLUMNS * row.stride + i % MICA_PAIR_COLUMNS] = -INFINITY;
    __m256 top[4];
    for (size_t k = 0; k < 4; k++) top[k] = _mm256_set1_ps(-INFINITY);
    for (size_t p = 0; p < row.panels; p++)
        for (size_t k = 0; k < 4; k++) top[k] = _mm256_max_ps(_mm256_loadu_ps(row.scores + p * row.stride + k * 8), top[k]);
    return largest_lane(_mm256_max_ps(_mm256_max_ps(top[0], top[1]), _mm256_max_ps(top[2], top[3])));
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

// Scores become 2^(score - top); returns their sum. Not inlined, or the polynomial's constants would not stay in registers.
static __attribute__((noinline)) AVX2_TARGET float powers(float *scores, size_t stride, size_t panels, float top) {
    const __m256 tops = _mm256_set1_ps(top);
    __m256 sum[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    for (size_t p = 0; p < panels; p++, scores += stride)
        _Pragma("clang loop unroll(full)") for (size_t k = 0; k < 4; k++) {
            const __m256 power = power_of_two(_mm256_sub_ps(_mm256_loadu_ps(scores + k * 8), tops));
            _mm256_storeu_ps(scores + k * 8, power);
            sum[k % 2] = _mm256_add_ps(sum[k % 2], power);
        }
    return sum_of_lanes(_mm256_add_ps(sum[0], sum[1]));
}

// 16 of a row's weights as integers; zeros for keys that it does not see.
AVX2_INLINE __m256i weights(Row row, size_t panel, size_t half, __m256 factor) {
    return panel < row.panels ? integers(row.scores + panel * row.stride + half * 16, factor) : _mm256_setzero_si256();
}

// Weights of two rows as a group.
AVX2_INLINE void pack_weights(const Row rows[MICA_PAIR_ROWS], const float *scales, size_t panels, uint32_t *group, uint32_t *excesses) {
    __m256 factors[MICA_PAIR_ROWS];
    for (size_t i = 0; i < MICA_PAIR_ROWS; i++) factors[i] = _mm256_set1_ps(scales[i] == 0 ? 0 : 1 / scales[i]);
    __m256i excess = _mm256_setzero_si256();
    for (size_t p = 0; p < panels; p++)
        for (size_t half = 0; half < 2; half++, group += 16)
            excess = pack_units(weights(rows[0], p, half, factors[0]), weights(rows[1], p, half, factors[1]), 4, group, excess);
    store_excess(excess, excesses);
}

// A row of accumulated values times a factor.
AVX2_INLINE void rescale(float *accumulated, size_t stride, size_t panels, float factor) {
    for (size_t p = 0; p < panels; p++)
        for (size_t i = 0; i < MICA_PAIR_COLUMNS; i++) accumulated[p * stride + i] *= factor;
}

AVX2_TARGET void mica_softmax_pairs(float *scores, size_t rows, size_t stride, size_t keys, const int32_t *visible, float *maximum,
                                    float *sum, float *accumulated, size_t accumulated_panels, mica_pairs groups) {
    const size_t panels = (keys + MICA_PAIR_COLUMNS - 1) / MICA_PAIR_COLUMNS;
    for (size_t first = 0; first < rows; first += MICA_PAIR_ROWS) {
        Row group[MICA_PAIR_ROWS] = {0};
        for (size_t r = first; r < first + MICA_PAIR_ROWS; r++) {
            const int32_t limit = r >= rows ? 0 : visible ? visible[r] : (int32_t)keys;
            const size_t seen = limit < 0 ? 0 : ((size_t)limit < keys ? (size_t)limit : keys);
            const Row row = {scores + r * MICA_PAIR_COLUMNS, stride, (seen + MICA_PAIR_COLUMNS - 1) / MICA_PAIR_COLUMNS};
            group[r - first] = row;
            groups.scales[r] = 0;
            if (seen == 0) continue;
            const float block = largest_score(row, seen), top = block > maximum[r] ? block : maximum[r];
            const float added = powers(row.scores, stride, row.panels, top), largest = block == top ? 1 : exp2f(block - top);
            if (top > maximum[r]) {
                // The first block finds a maximum of -infinity: nothing was accumulated yet.
                const float factor = maximum[r] == -INFINITY ? 0 : exp2f(maximum[r] - top);
                rescale(accumulated + r * MICA_PAIR_COLUMNS, stride, accumulated_panels, factor);
                sum[r] *= factor;
                maximum[r] = top;
            }
            sum[r] += added;
            // None of the squares is more than its root times the largest.
            groups.scales[r] = integer_scale(largest, largest * added, unmixed);
        }
        pack_weights(group, groups.scales + first, panels, groups.words + first * panels * (MICA_PAIR_COLUMNS / 2),
                     groups.excesses + first);
    }
}

#else
void mica_softmax_pairs(float *scores, size_t rows, size_t stride, size_t keys, const int32_t *visible, float *maximum, float *sum,
                        float *accumulated, size_t accumulated_panels, mica_pairs groups) {
    __builtin_trap();
}
#endif
