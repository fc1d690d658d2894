#include "pairs.h"

// Products on CPUs that have AVX2 and nothing wider: both operands become integers of 16 bits, two of which lie in a word, and vpmaddwd
// sums the products of two words' halves exactly. It takes a multiplier and an adder where a fused float takes a multiplier, for twice
// the elements: 1.6 times as fast. 8 bits become such integers as they are. (vpmaddubsw, for bytes, would cut sums off at 16 bits.)
// Floats become them slice by slice of a row, each with a scale of its own.

void mica_pack_pairs_u8(const uint8_t *x, size_t stride, size_t rows, size_t elements, uint32_t *groups) {
    const size_t units = (elements + 1) / 2;
    for (size_t first = 0; first < rows; first += MICA_PAIR_ROWS, groups += units * MICA_PAIR_ROWS)
        for (size_t i = 0; i < MICA_PAIR_ROWS; i++) {
            const uint8_t *row = x + (first + i) * stride;
            if (first + i >= rows) {
                for (size_t u = 0; u < units; u++) groups[u * MICA_PAIR_ROWS + i] = 0;
                continue;
            }
            for (size_t u = 0; u < elements / 2; u++) groups[u * MICA_PAIR_ROWS + i] = row[2 * u] | (uint32_t)row[2 * u + 1] << 16;
            if (elements % 2) groups[(units - 1) * MICA_PAIR_ROWS + i] = row[elements - 1];
        }
}

#if defined(__x86_64__)

// Words of eight rows turned around, to lines `line_stride` words apart.
AVX2_INLINE void turn_words(const __m256i row[8], uint32_t *lines, size_t line_stride) {
    __m256i line[8];
    turned(row, line);
    for (size_t i = 0; i < 8; i++) _mm256_storeu_si256((__m256i *)(lines + i * line_stride), line[i]);
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

// Two units a turn: one, and the loop's own instructions cost a tenth of the products.
#define UNITS_AT_ONCE 2

// The products of a row's word with a line of the panel, added to its sums. Twelve sums, a line, a word and a product take all 16
// registers: as instructions in this order they do, while compilers move loads ahead and push a sum out to memory.
AVX2_INLINE void add_row(const uint32_t *word, __m256i low, __m256i high, __m256i sum[2]) {
    __m256i both, product;
    __asm__ volatile("vpbroadcastd %[word], %[both]\n\t"
                     "vpmaddwd %[low], %[both], %[product]\n\t"
                     "vpaddd %[product], %[first], %[first]\n\t"
                     "vpmaddwd %[high], %[both], %[both]\n\t"
                     "vpaddd %[both], %[second], %[second]"
                     : [first] "+x"(sum[0]), [second] "+x"(sum[1]), [both] "=&x"(both), [product] "=&x"(product)
                     : [word] "m"(*word), [low] "x"(low), [high] "x"(high));
}

AVX2_INLINE void add_unit(const uint32_t *words, const uint32_t *line, __m256i sum[MICA_PAIR_ROWS][2]) {
    const __m256i low = _mm256_loadu_si256((const __m256i *)line), high = _mm256_loadu_si256((const __m256i *)(line + 8));
    _Pragma("clang loop unroll(full)") for (int i = 0; i < MICA_PAIR_ROWS; i++) add_row(words + i, low, high, sum[i]);
}

AVX2_INLINE void add_units(const uint32_t *words, const uint32_t *line, size_t units, __m256i sum[MICA_PAIR_ROWS][2]) {
    size_t u = 0;
    for (; u + UNITS_AT_ONCE <= units; u += UNITS_AT_ONCE)
        _Pragma("clang loop unroll(full)") for (size_t k = 0; k < UNITS_AT_ONCE; k++, words += MICA_PAIR_ROWS, line += 16)
            add_unit(words, line, sum);
    for (; u < units; u++, words += MICA_PAIR_ROWS, line += 16) add_unit(words, line, sum);
}

AVX2_TARGET void mica_product_pairs(const uint32_t *groups, size_t count, const uint32_t *panel, size_t units, int32_t *sums, int adds) {
    for (size_t g = 0; g < count; g++, groups += units * MICA_PAIR_ROWS, sums += MICA_PAIR_ROWS * 16) {
        __m256i sum[MICA_PAIR_ROWS][2];
        __m256i *const stored = (__m256i *)sums;
        _Pragma("clang loop unroll(full)") for (int i = 0; i < MICA_PAIR_ROWS; i++)
            for (int half = 0; half < 2; half++)
                sum[i][half] = adds ? _mm256_loadu_si256(stored + 2 * i + half) : _mm256_setzero_si256();
        add_units(groups, panel, units, sum);
        _Pragma("clang loop unroll(full)") for (int i = 0; i < MICA_PAIR_ROWS; i++)
            for (int half = 0; half < 2; half++) _mm256_storeu_si256(stored + 2 * i + half, sum[i][half]);
    }
}

AVX2_TARGET void mica_product_scaled_pairs(const uint32_t *groups, const float *row_scales, size_t count, const uint32_t *panel,
                                           const float *column_scales, size_t units, float *sums, int adds) {
    const __m256 columns[2] = {_mm256_loadu_ps(column_scales), _mm256_loadu_ps(column_scales + 8)};
    for (size_t g = 0; g < count; g++, groups += units * MICA_PAIR_ROWS, row_scales += MICA_PAIR_ROWS, sums += MICA_PAIR_ROWS * 16) {
        __m256i sum[MICA_PAIR_ROWS][2];
        _Pragma("clang loop unroll(full)") for (int i = 0; i < MICA_PAIR_ROWS; i++)
            sum[i][0] = sum[i][1] = _mm256_setzero_si256();
        // The panel after this one, which lies behind it, while this one is used: in its own page, no prefetcher of the CPU's goes there.
        for (size_t line = units * g / count; line < units * (g + 1) / count; line++) __builtin_prefetch(panel + (units + line) * 16);
        add_units(groups, panel, units, sum);
        _Pragma("clang loop unroll(full)") for (int i = 0; i < MICA_PAIR_ROWS; i++) {
            const __m256 row = _mm256_set1_ps(row_scales[i]);
            _Pragma("clang loop unroll(full)") for (int half = 0; half < 2; half++) {
                float *const place = sums + i * 16 + half * 8;
                const __m256 before = adds ? _mm256_loadu_ps(place) : _mm256_setzero_ps();
                // One scale after the other: the product of two small ones may be too small for a float.
                _mm256_storeu_ps(place, _mm256_fmadd_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(sum[i][half]), row), columns[half], before));
            }
        }
    }
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
AVX2_INLINE float slice_scale(const float *x, size_t count) {
    float squares, factor = 1, largest = measure(x, count, factor, &squares);
    // Squares that may have overflowed or vanished are taken again, of values near 1.
    if (largest < 1e-12f || largest > 1e15f) {
        factor = largest < 1e-30f ? 0 : 1 / largest;
        largest = measure(x, count, factor, &squares);
    }
    return factor == 0 && squares == 0 ? 0 : integer_scale(largest, squares) / factor;
}

// The same of what is left of a row, zeros after it.
AVX2_INLINE __m256i last_integers(const float *x, size_t count, __m256 factor) {
    float rest[16] = {0};
    memcpy(rest, x, count * sizeof(float));
    return integers(rest, factor);
}

AVX2_TARGET void mica_pack_scaled_rows(const float *x, size_t stride, size_t rows, size_t elements, uint32_t *groups, float *scales) {
    const size_t units = (elements + 1) / 2, whole = elements / 16 * 16;
    for (size_t first = 0; first < rows; first += MICA_PAIR_ROWS, groups += units * MICA_PAIR_ROWS, scales += MICA_PAIR_ROWS) {
        const size_t count = rows - first < MICA_PAIR_ROWS ? rows - first : MICA_PAIR_ROWS;
        __m256 factors[MICA_PAIR_ROWS];
        for (size_t i = 0; i < MICA_PAIR_ROWS; i++) {
            scales[i] = i < count ? slice_scale(x + (first + i) * stride, elements) : 0;
            factors[i] = _mm256_set1_ps(scales[i] == 0 ? 0 : 1 / scales[i]);
        }
        for (size_t e = 0; e < elements; e += 16) {
            __m256i words[8];
            for (size_t i = 0; i < 8; i++) {
                const float *from = x + (first + i) * stride + e;
                words[i] = i >= count ? _mm256_setzero_si256()
                    : e < whole       ? integers(from, factors[i])
                                      : last_integers(from, elements - e, factors[i]);
            }
            uint32_t *lines = groups + e / 2 * MICA_PAIR_ROWS, last[8 * MICA_PAIR_ROWS];
            turn_group(words, e < whole ? lines : last);
            if (e >= whole) memcpy(lines, last, (units - e / 2) * MICA_PAIR_ROWS * sizeof *lines);
        }
    }
}

AVX2_TARGET void mica_transpose(const float *x, size_t stride, size_t rows, size_t columns, float *y, size_t y_stride) {
    for (size_t r = 0; r < rows; r += 8)
        for (size_t c = 0; c < columns; c += 8) {
            if (rows - r >= 8 && columns - c >= 8) {
                __m256i row[8];
                for (size_t i = 0; i < 8; i++) row[i] = _mm256_loadu_si256((const __m256i *)(x + (r + i) * stride + c));
                turn_words(row, (uint32_t *)(y + c * y_stride + r), y_stride);
                continue;
            }
            for (size_t i = r; i < rows && i < r + 8; i++)
                for (size_t j = c; j < columns && j < c + 8; j++) y[j * y_stride + i] = x[i * stride + j];
        }
}

AVX2_TARGET void mica_pack_scaled_panel(const float *x, size_t stride, size_t rows, size_t elements, uint32_t *panel, float *scales) {
    const size_t units = (elements + 1) / 2;
    for (size_t half = 0; half < 16; half += 8) {
        __m256 factor[8];
        for (size_t i = 0; i < 8; i++) {
            scales[half + i] = half + i < rows ? slice_scale(x + (half + i) * stride, elements) : 0;
            factor[i] = _mm256_set1_ps(scales[half + i] == 0 ? 0 : 1 / scales[half + i]);
        }
        for (size_t e = 0; e < elements; e += 16) {
            __m256i row[8];
            for (size_t i = 0; i < 8; i++) {
                const float *from = x + (half + i) * stride + e;
                row[i] = half + i >= rows ? _mm256_setzero_si256()
                    : elements - e >= 16 ? integers(from, factor[i])
                                         : last_integers(from, elements - e, factor[i]);
            }
            uint32_t lines[8 * 8];
            const size_t left = units - e / 2;
            if (left >= 8) {
                turn_words(row, panel + e / 2 * 16 + half, 16);
            } else {
                turn_words(row, lines, 8);
                for (size_t u = 0; u < left; u++) memcpy(panel + (e / 2 + u) * 16 + half, lines + u * 8, 32);
            }
        }
    }
}

#else
void mica_transpose(const float *x, size_t stride, size_t rows, size_t columns, float *y, size_t y_stride) { __builtin_trap(); }
void mica_pack_pairs_s8(const int8_t *x, size_t stride, size_t rows, size_t elements, uint32_t *panel) { __builtin_trap(); }
void mica_product_pairs(const uint32_t *groups, size_t count, const uint32_t *panel, size_t units, int32_t *sums, int adds) {
    __builtin_trap();
}
void mica_product_scaled_pairs(const uint32_t *groups, const float *row_scales, size_t count, const uint32_t *panel,
                               const float *column_scales, size_t units, float *sums, int adds) {
    __builtin_trap();
}
void mica_pack_scaled_rows(const float *x, size_t stride, size_t rows, size_t elements, uint32_t *groups, float *scales) {
    __builtin_trap();
}
void mica_pack_scaled_panel(const float *x, size_t stride, size_t rows, size_t elements, uint32_t *panel, float *scales) {
    __builtin_trap();
}
#endif
