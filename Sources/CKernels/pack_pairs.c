#include "pairs.h"

// Operands of products of 16-bit integers, see products_avx2.c: 8 bits become such integers as they are, floats slice by slice of a
// row, each with a scale of its own.

#if defined(__x86_64__)

AVX2_TARGET void mica_pack_pairs_u8(const uint8_t *x, size_t stride, size_t rows, size_t elements, mica_pairs groups) {
    const size_t units = (elements + 3) / 4;
    for (size_t r = 0; r < rows; r += 2, groups.words += units * 4) {
        const uint8_t *row = x + r * stride;
        __m256i excess = _mm256_setzero_si256();
        for (size_t e = 0; e < elements; e += 16) {
            // Units in the order of pack_units.
            const __m256i first = _mm256_permute4x64_epi64(_mm256_cvtepu8_epi16(bytes(row + e, elements - e)), 0xd8);
            const __m256i second = r + 1 == rows ? _mm256_setzero_si256()
                : _mm256_permute4x64_epi64(_mm256_cvtepu8_epi16(bytes(row + stride + e, elements - e)), 0xd8);
            excess = pack_units(first, second, units - e / 4, groups.words + e, excess);
        }
        store_excess(excess, groups.excesses + r);
    }
}

static const uint8_t in_order[4] = {0, 1, 2, 3};

AVX2_TARGET void mica_pack_pairs_s8(const int8_t *x, size_t stride, size_t rows, size_t elements, mica_pairs panel) {
    const size_t units = (elements + 3) / 4;
    for (size_t first = 0; first < MICA_PAIR_COLUMNS; first += 8) {
        __m256i excess = _mm256_setzero_si256();
        for (size_t e = 0; e < elements; e += 16) {
            __m256i row[8];
            for (size_t i = 0; i < 8; i++)
                row[i] = first + i < rows ? _mm256_cvtepi8_epi16(bytes(x + (first + i) * stride + e, elements - e))
                                          : _mm256_setzero_si256();
            excess = turn_units(row, in_order, units - e / 4, panel.words + e / 2 * MICA_PAIR_COLUMNS + first, excess);
        }
        _mm256_storeu_si256((__m256i *)(panel.excesses + first), excess);
    }
}

// A row's scale, and what its values are multiplied by.
AVX2_INLINE __m256 factor_of(const float *x, size_t count, Limits limits, float *scale) {
    *scale = slice_scale(x, count, limits);
    return _mm256_set1_ps(*scale == 0 ? 0 : 1 / *scale);
}

AVX2_TARGET void mica_pack_scaled_rows(const float *x, size_t stride, size_t rows, size_t elements, mica_pairs groups) {
    const size_t units = (elements + 3) / 4;
    for (size_t r = 0; r < rows; r += 2, groups.words += units * 4) {
        const float *const first = x + r * stride, *const second = first + stride;
        __m256 factors[2] = {factor_of(first, elements, unmixed, groups.scales + r), _mm256_setzero_ps()};
        if (r + 1 < rows) factors[1] = factor_of(second, elements, unmixed, groups.scales + r + 1);
        else groups.scales[r + 1] = 0;
        __m256i excess = _mm256_setzero_si256();
        for (size_t e = 0; e < elements; e += 16) {
            const size_t left = elements - e;
            excess = pack_units(integers_of(first + e, left, factors[0]),
                                r + 1 < rows ? integers_of(second + e, left, factors[1]) : _mm256_setzero_si256(), units - e / 4,
                                groups.words + e, excess);
        }
        store_excess(excess, groups.excesses + r);
    }
}

AVX2_TARGET void mica_pack_scaled_columns(const float *x, size_t stride, size_t rows, size_t elements, float length,
                                          mica_pairs panel) {
    const Limits limits = {unmixed.largest, length};
    const size_t units = (elements + 3) / 4;
    __m256 factors[MICA_PACKED_COLUMNS];
    for (size_t i = 0; i < MICA_PACKED_COLUMNS; i++) {
        panel.scales[i] = 0;
        factors[i] = i < rows ? factor_of(x + i * stride, elements, limits, panel.scales + i) : _mm256_setzero_ps();
    }
    __m256i excess = _mm256_setzero_si256();
    for (size_t e = 0; e < elements; e += 16) {
        __m256i row[MICA_PACKED_COLUMNS];
        for (size_t i = 0; i < MICA_PACKED_COLUMNS; i++)
            row[i] = i < rows ? integers_of(x + i * stride + e, elements - e, factors[i]) : _mm256_setzero_si256();
        excess = turn_units(row, as_packed, units - e / 4, panel.words + e / 2 * MICA_PAIR_COLUMNS, excess);
    }
    _mm256_storeu_si256((__m256i *)panel.excesses, excess);
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

#else
void mica_pack_pairs_u8(const uint8_t *x, size_t stride, size_t rows, size_t elements, mica_pairs groups) { __builtin_trap(); }
void mica_pack_pairs_s8(const int8_t *x, size_t stride, size_t rows, size_t elements, mica_pairs panel) { __builtin_trap(); }
void mica_pack_scaled_rows(const float *x, size_t stride, size_t rows, size_t elements, mica_pairs groups) { __builtin_trap(); }
void mica_pack_scaled_columns(const float *x, size_t stride, size_t rows, size_t elements, float length, mica_pairs panel) {
    __builtin_trap();
}
void mica_transpose(const float *x, size_t stride, size_t rows, size_t columns, float *y, size_t y_stride) { __builtin_trap(); }
#endif
