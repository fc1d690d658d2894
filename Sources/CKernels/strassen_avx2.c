#include "pair_units.h"
#include "pairs.h"
#include "strassen.h"

// Products of 16-bit integers (products_avx2.c) by V. Strassen's scheme of 1969 ("Gaussian Elimination is not Optimal"): both operands
// are cut into four blocks, and seven products of sums of blocks take the place of eight products of blocks. Among integers that is
// exact modulo 2^32, so that rows keep scales of their own; only the two halves of a slice, which are added, share one.
//
// With rows A11 A12, A21 A22 and columns B11 B12, B21 B22, halves of the depth being A's second index and B's first:
//
//     part  rows        columns     is added to            part  rows        columns     is added to
//     0     A11 + A22   B11 + B22   C11, C22               4     A11 + A12   B22         -C11, C12
//     1     A21 + A22   B11         C21, -C22              5     A21 - A11   B11 + B12   C22
//     2     A11         B12 - B22   C12, C22               6     A12 - A22   B21 + B22   C11
//     3     A22         B21 - B11   C11, C21
//
// Two elements of a row and two of a column must fit 16 bits together: rows take three quarters of that, since their values reach
// further beyond the usual than a weight's.

#if defined(__x86_64__)

// A row's two halves of a slice, each filled up to whole sixteens with zeros, in the order of pack_units.
typedef int16_t Halves[2][MICA_SLICE];

// Rows and columns of two slices, which are 512 elements long: the product of their lengths, rounded by up to half a step an element, is
// less than 2^31.
static const Limits row_limits = {12287, 65510}, column_limits = {4095, 32755};

// 16 values of one block, or of two together.
AVX2_INLINE __m256i of(const int16_t *x) { return _mm256_loadu_si256((const __m256i *)x); }
AVX2_INLINE __m256i sum(const int16_t *x, const int16_t *y) { return _mm256_add_epi16(of(x), of(y)); }
AVX2_INLINE __m256i difference(const int16_t *x, const int16_t *y) { return _mm256_sub_epi16(of(x), of(y)); }

// Of the blocks 11, 12, 21 and 22.
AVX2_INLINE __m256i rows_of(int part, const int16_t *a, const int16_t *b, const int16_t *c, const int16_t *d) {
    switch (part) {
    case 0: return sum(a, d);
    case 1: return sum(c, d);
    case 2: return of(a);
    case 3: return of(d);
    case 4: return sum(a, b);
    case 5: return difference(c, a);
    default: return difference(b, d);
    }
}

AVX2_INLINE __m256i columns_of(int part, const int16_t *a, const int16_t *b, const int16_t *c, const int16_t *d) {
    switch (part) {
    case 0: return sum(a, d);
    case 1: return of(a);
    case 2: return difference(b, d);
    case 3: return difference(c, a);
    case 4: return of(d);
    case 5: return sum(a, b);
    default: return sum(c, d);
    }
}

size_t mica_strassen_part_units(size_t elements) { return (elements + 7) / 8; }

size_t mica_strassen_part_rows(size_t rows) { return (rows + 3) / 4 * MICA_PAIR_ROWS; }

// Part of a slice from `first` on as integers.
AVX2_INLINE void integer_half(const float *x, size_t first, size_t end, size_t padded, __m256 factor, int16_t *y) {
    for (size_t e = 0; e < padded; e += 16)
        _mm256_storeu_si256((__m256i *)(y + e), first + e < end ? integers_of(x + first + e, end - first - e, factor)
                                                               : _mm256_setzero_si256());
}

AVX2_INLINE float integer_halves(const float *x, size_t elements, Limits limits, Halves y) {
    const size_t half = mica_strassen_part_units(elements) * 4;
    const float scale = slice_scale(x, elements, limits);
    // What is no number is left to the scale: the integers of other rows are added to this one's.
    if (!(scale > 0 && scale < INFINITY)) {
        memset(y, 0, sizeof(Halves));
        return scale;
    }
    const __m256 factor = _mm256_set1_ps(1 / scale);
    integer_half(x, 0, half < elements ? half : elements, half, factor, y[0]);
    integer_half(x, half, elements, half, factor, y[1]);
    return scale;
}

// Integers are exact, whatever their sums.
AVX2_INLINE void byte_halves(const void *x, size_t elements, int isSigned, Halves y) {
    const size_t half = mica_strassen_part_units(elements) * 4;
    for (size_t h = 0; h < 2; h++)
        for (size_t e = 0; e < half; e += 16) {
            const size_t place = h * half + e, end = h == 0 && half < elements ? half : elements;
            const __m128i some = place < end ? bytes((const uint8_t *)x + place, end - place) : _mm_setzero_si128();
            const __m256i words = isSigned ? _mm256_cvtepi8_epi16(some) : _mm256_cvtepu8_epi16(some);
            _mm256_storeu_si256((__m256i *)(y[h] + e), _mm256_permute4x64_epi64(words, 0xd8));
        }
}

AVX2_TARGET float mica_strassen_column_f32(const float *x, size_t elements, int16_t *halves) {
    return integer_halves(x, elements, column_limits, (int16_t(*)[MICA_SLICE])halves);
}

AVX2_TARGET void mica_strassen_column_s8(const int8_t *x, size_t elements, int16_t *halves) {
    byte_halves(x, elements, 1, (int16_t(*)[MICA_SLICE])halves);
}

// Two rows of the upper half and two of the lower one become a group of each part.
AVX2_INLINE void pack_group(Halves rows[4], size_t units, size_t part_rows, uint32_t *words, uint32_t *excesses) {
    _Pragma("clang loop unroll(full)") for (int part = 0; part < MICA_STRASSEN_PARTS; part++) {
        __m256i excess = _mm256_setzero_si256();
        for (size_t e = 0; e < units * 4; e += 16) {
            const __m256i first = rows_of(part, rows[0][0] + e, rows[0][1] + e, rows[2][0] + e, rows[2][1] + e);
            const __m256i second = rows_of(part, rows[1][0] + e, rows[1][1] + e, rows[3][0] + e, rows[3][1] + e);
            excess = pack_units(first, second, units - e / 4, words + part * part_rows * units * 2 + e, excess);
        }
        store_excess(excess, excesses + part * part_rows);
    }
}

// Rows of floats, which get scales, or else of bytes.
AVX2_INLINE void pack_rows(const void *x, int isFloat, size_t stride, size_t rows, size_t elements, mica_pairs groups) {
    const size_t units = mica_strassen_part_units(elements), half = mica_strassen_part_rows(rows);
    Halves row[4];
    for (size_t g = 0; g < half; g += MICA_PAIR_ROWS) {
        for (size_t i = 0; i < 4; i++) {
            const size_t r = g + i % 2 + i / 2 * half;
            if (isFloat) groups.scales[r] = r < rows ? integer_halves((const float *)x + r * stride, elements, row_limits, row[i]) : 0;
            else if (r < rows) byte_halves((const uint8_t *)x + r * stride, elements, 0, row[i]);
            if (r >= rows) memset(row[i], 0, sizeof(Halves));
        }
        pack_group(row, units, half, groups.words + g * units * 2, groups.excesses + g);
    }
}

AVX2_TARGET void mica_strassen_rows_f32(const float *x, size_t stride, size_t rows, size_t elements, mica_pairs groups) {
    pack_rows(x, 1, stride, rows, elements, groups);
}

AVX2_TARGET void mica_strassen_rows_u8(const uint8_t *x, size_t stride, size_t rows, size_t elements, mica_pairs groups) {
    pack_rows(x, 0, stride, rows, elements, groups);
}

AVX2_TARGET void mica_strassen_columns(const int16_t *columns, size_t elements, mica_pairs panels) {
    const Halves *const left = (const Halves *)columns, *const right = left + MICA_PACKED_COLUMNS;
    const size_t units = mica_strassen_part_units(elements);
    _Pragma("clang loop unroll(full)") for (int part = 0; part < MICA_STRASSEN_PARTS; part++) {
        __m256i excess = _mm256_setzero_si256();
        for (size_t e = 0; e < units * 4; e += 16) {
            __m256i row[MICA_PACKED_COLUMNS];
            _Pragma("clang loop unroll(full)") for (size_t i = 0; i < MICA_PACKED_COLUMNS; i++)
                row[i] = columns_of(part, left[i][0] + e, right[i][0] + e, left[i][1] + e, right[i][1] + e);
            uint32_t *const panel = panels.words + part * units * 2 * MICA_PAIR_COLUMNS;
            excess = turn_units(row, as_packed, units - e / 4, panel + e / 2 * MICA_PAIR_COLUMNS, excess);
        }
        _mm256_storeu_si256((__m256i *)(panels.excesses + part * MICA_PAIR_COLUMNS), excess);
    }
}

// Sums found for a group are added to a block's rows, or taken from them.
AVX2_INLINE void add_found(const Sums *found, int32_t *sums, int times, int adds) {
    _Pragma("clang loop unroll(full)") for (size_t k = 0; k < 4 * MICA_PAIR_ROWS; k++) {
        __m256i *const place = (__m256i *)sums + k;
        const __m256i more = found->of[k / 4][k % 4];
        if (times < 0) _mm256_storeu_si256(place, _mm256_sub_epi32(_mm256_loadu_si256(place), more));
        else _mm256_storeu_si256(place, adds ? _mm256_add_epi32(_mm256_loadu_si256(place), more) : more);
    }
}

AVX2_TARGET void mica_strassen_part(int part, mica_pairs groups, size_t rows, mica_pairs panel, size_t units, int32_t *sums,
                                    size_t panel_stride, int adds) {
    const uint32_t *next = panel.words + units * 2 * MICA_PAIR_COLUMNS, *const end = next + units * 2 * MICA_PAIR_COLUMNS;
    const size_t count = rows / MICA_PAIR_ROWS, step = (units * 4 + count - 1) / count;
    const Target first = targets[part][0], second = targets[part][1];
    int32_t *const first_block = sums_of(first, sums, rows, panel_stride);
    int32_t *const second_block = sums_of(second, sums, rows, panel_stride);
    for (size_t g = 0; g < count; g++, groups.words += units * 4) {
        Sums found = first_sums(groups.excesses + g * MICA_PAIR_ROWS, panel.excesses);
        // See mica_product_scaled_pairs.
        for (size_t line = 0; line < step && next < end; line++, next += 16) __builtin_prefetch(next, 0, 2);
        add_units(groups.words, panel.words, units, &found);
        const size_t place = g * MICA_PAIR_ROWS * MICA_PAIR_COLUMNS;
        add_found(&found, first_block + place, first.times, adds || !first.begins);
        if (second.times) add_found(&found, second_block + place, second.times, adds || !second.begins);
    }
}

AVX2_TARGET void mica_scale_sums(const int32_t *sums, size_t rows, const float *row_scales, const float *column_scales, float *y,
                                 int adds) {
    for (size_t r = 0; r < rows; r++, sums += MICA_PAIR_COLUMNS, y += MICA_PAIR_COLUMNS) {
        const __m256 row = _mm256_set1_ps(row_scales[r]);
        _Pragma("clang loop unroll(full)") for (size_t k = 0; k < MICA_PAIR_COLUMNS; k += 8)
            add_scaled(y + k, _mm256_loadu_si256((const __m256i *)(sums + k)), row, column_scales + k, adds);
    }
}

#else
size_t mica_strassen_part_units(size_t elements) { __builtin_trap(); }
size_t mica_strassen_part_rows(size_t rows) { __builtin_trap(); }
float mica_strassen_column_f32(const float *x, size_t elements, int16_t *halves) { __builtin_trap(); }
void mica_strassen_column_s8(const int8_t *x, size_t elements, int16_t *halves) { __builtin_trap(); }
void mica_strassen_rows_f32(const float *x, size_t stride, size_t rows, size_t elements, mica_pairs groups) { __builtin_trap(); }
void mica_strassen_rows_u8(const uint8_t *x, size_t stride, size_t rows, size_t elements, mica_pairs groups) { __builtin_trap(); }
void mica_strassen_columns(const int16_t *columns, size_t elements, mica_pairs panels) { __builtin_trap(); }
void mica_strassen_part(int part, mica_pairs groups, size_t rows, mica_pairs panel, size_t units, int32_t *sums, size_t panel_stride,
                        int adds) {
    __builtin_trap();
}
void mica_scale_sums(const int32_t *sums, size_t rows, const float *row_scales, const float *column_scales, float *y, int adds) {
    __builtin_trap();
}
#endif
