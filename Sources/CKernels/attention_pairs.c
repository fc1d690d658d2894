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
    for (size_t p = 0; p < row.panels; p++) {
        const float *const some = row.scores + p * row.stride;
        // Panels lie pages apart; those of some rows on are asked for.
        for (size_t line = 0; line < MICA_PAIR_COLUMNS; line += 16) __builtin_prefetch(some + 4 * MICA_PAIR_COLUMNS + line, 1, 3);
        for (size_t k = 0; k < 4; k++) top[k] = _mm256_max_ps(_mm256_loadu_ps(some + k * 8), top[k]);
    }
    return largest_lane(_mm256_max_ps(_mm256_max_ps(top[0], top[1]), _mm256_max_ps(top[2], top[3])));
}

// 2^-x within 3 parts in a million; where x is above 126, about 2^-126. NaN stays NaN.
AVX2_INLINE __m256 power_of_two(__m256 x) {
    // Where this is added, the last bits of the fraction are the nearest integer.
    const __m256 shift = _mm256_set1_ps(0x1.8p23f);
    x = _mm256_min_ps(_mm256_set1_ps(126), x);
    const __m256 moved = _mm256_sub_ps(shift, x);
    const __m256 r = _mm256_add_ps(_mm256_sub_ps(moved, shift), x);
    // 2^-r for -0.5 ... 0.5, fitted for the least relative error.
    __m256 p = _mm256_fmadd_ps(_mm256_set1_ps(0.009570101792f), r, _mm256_set1_ps(-0.05591786031f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0.2402474483f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(-0.6931218147f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0.9999992614f));
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), _mm256_slli_epi32(_mm256_castps_si256(moved), 23)));
}

// A row's weights of some panels, integers in the order of pack_units.
typedef int16_t Weights[MICA_SLICE];

// A row's weights 2^(score - top) as integers, zeros for keys of other panels; returns their sum before they are rounded. Not inlined, or
// the polynomial's constants would not stay in registers.
static __attribute__((noinline)) AVX2_TARGET float integer_weights(Row row, float top, size_t panels, Weights y) {
    const __m256 tops = _mm256_set1_ps(top);
    const float *scores = row.scores;
    __m256 sum[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    for (size_t p = 0; p < row.panels; p++, scores += row.stride, y += MICA_PAIR_COLUMNS)
        _Pragma("clang loop unroll(full)") for (size_t half = 0; half < 2; half++) {
            const __m256 first = power_of_two(_mm256_sub_ps(tops, _mm256_loadu_ps(scores + half * 16)));
            const __m256 second = power_of_two(_mm256_sub_ps(tops, _mm256_loadu_ps(scores + half * 16 + 8)));
            sum[0] = _mm256_add_ps(sum[0], first);
            sum[1] = _mm256_add_ps(sum[1], second);
            _mm256_storeu_si256((__m256i *)(y + half * 16), _mm256_packs_epi32(_mm256_cvtps_epi32(first), _mm256_cvtps_epi32(second)));
        }
    memset(y, 0, (panels - row.panels) * MICA_PAIR_COLUMNS * sizeof(int16_t));
    return sum_of_lanes(_mm256_add_ps(sum[0], sum[1]));
}

// Weights of two rows as a group.
AVX2_INLINE void pack_weights(Weights rows[MICA_PAIR_ROWS], size_t panels, uint32_t *group, uint32_t *excesses) {
    __m256i excess = _mm256_setzero_si256();
    for (size_t e = 0; e < panels * MICA_PAIR_COLUMNS; e += 16)
        excess = pack_units(_mm256_loadu_si256((const __m256i *)(rows[0] + e)), _mm256_loadu_si256((const __m256i *)(rows[1] + e)), 4,
                            group + e, excess);
    store_excess(excess, excesses);
}

// A row of accumulated values times a factor.
AVX2_INLINE void rescale(float *accumulated, size_t stride, size_t panels, float factor) {
    for (size_t p = 0; p < panels; p++)
        for (size_t i = 0; i < MICA_PAIR_COLUMNS; i++) accumulated[p * stride + i] *= factor;
}

// The largest weight of a block is this: weights of as many keys as a block has are no longer than 16 times that, and the columns of values
// (MICA_VALUE_LENGTH) short enough for all of them. It is known before the weights are.
static const float largest_weight = 8191, log2_of_largest = 12.99982389f;

// A row's maximum rises to `top`: what was found before is rescaled.
AVX2_INLINE void raise_maximum(float top, float *maximum, float *sum, float *accumulated, size_t stride, size_t panels) {
    if (!(top > *maximum)) return;
    // The first block finds a maximum of -infinity: nothing was accumulated yet.
    const float factor = *maximum == -INFINITY ? 0 : exp2f(*maximum - top);
    rescale(accumulated, stride, panels, factor);
    *sum *= factor;
    *maximum = top;
}

AVX2_TARGET void mica_softmax_pairs(float *scores, size_t rows, size_t stride, size_t keys, const int32_t *visible, float *maximum,
                                    float *sum, float *accumulated, size_t accumulated_panels, mica_pairs groups) {
    const size_t panels = (keys + MICA_PAIR_COLUMNS - 1) / MICA_PAIR_COLUMNS;
    Weights weights[MICA_PAIR_ROWS];
    for (size_t first = 0; first < rows; first += MICA_PAIR_ROWS) {
        for (size_t i = 0; i < MICA_PAIR_ROWS; i++) {
            const size_t r = first + i, place = r * MICA_PAIR_COLUMNS;
            const int32_t limit = r >= rows ? 0 : visible ? visible[r] : (int32_t)keys;
            const size_t seen = limit < 0 ? 0 : ((size_t)limit < keys ? (size_t)limit : keys);
            const Row row = {scores + place, stride, (seen + MICA_PAIR_COLUMNS - 1) / MICA_PAIR_COLUMNS};
            groups.scales[r] = 0;
            float top = 0;
            if (seen > 0) {
                top = largest_score(row, seen);
                raise_maximum(top, maximum + r, sum + r, accumulated + place, stride, accumulated_panels);
                groups.scales[r] = (top == maximum[r] ? 1 : exp2f(top - maximum[r])) / largest_weight;
            }
            const float added = integer_weights(row, top - log2_of_largest, panels, weights[i]);
            if (seen > 0) sum[r] += added * groups.scales[r];
        }
        pack_weights(weights, panels, groups.words + first * panels * (MICA_PAIR_COLUMNS / 2), groups.excesses + first);
    }
}

#else
void mica_softmax_pairs(float *scores, size_t rows, size_t stride, size_t keys, const int32_t *visible, float *maximum, float *sum,
                        float *accumulated, size_t accumulated_panels, mica_pairs groups) {
    __builtin_trap();
}
#endif
