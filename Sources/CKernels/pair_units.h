// The inner loop of products of 16-bit integers, see products_avx2.c.
#pragma once
#include "avx2.h"

#if defined(__x86_64__)

// The sums of a group and a panel.
typedef struct {
    __m256i of[MICA_PAIR_ROWS][4];
} Sums;

// A row's two words, and for eight columns at a time the four steps of a unit. The words of a row's last columns may be overwritten.
#define STEP(P, Q, X, Y, T, U, SUM) \
    "vpaddw " P ", " X ", " T "\n\t vpaddw " Q ", " Y ", " U "\n\t vpmaddwd " T ", " U ", " T "\n\t vpaddd " T ", " SUM ", " SUM "\n\t"
#define ROW(LOW, HIGH, A, B, C, D)                                                       \
    "vpbroadcastd " LOW "(%[row]), %[x]\n\t vpbroadcastd " HIGH "(%[row]), %[y]\n\t"     \
    STEP("%[p]", "(%[column])", "%[x]", "%[y]", "%[t]", "%[u]", A)                       \
    STEP("%[q]", "32(%[column])", "%[x]", "%[y]", "%[v]", "%[t]", B)                     \
    STEP("%[r]", "64(%[column])", "%[x]", "%[y]", "%[u]", "%[v]", C)                     \
    STEP("224(%[column])", "96(%[column])", "%[x]", "%[y]", "%[x]", "%[y]", D)

// A unit's products added to the sums. Eight sums, three lines, two words and three terms take all 16 registers: as instructions in this
// order they do, while compilers move loads ahead and push a sum out to memory. Fewer instructions count for more than fewer loads.
AVX2_INLINE void add_unit(const uint32_t *row, const uint32_t *column, Sums *sums) {
    __m256i p, q, r, x, y, t, u, v;
    __asm__ volatile("vmovdqu 128(%[column]), %[p]\n\t vmovdqu 160(%[column]), %[q]\n\t vmovdqu 192(%[column]), %[r]\n\t"
                     ROW("0", "4", "%[a]", "%[b]", "%[c]", "%[d]") ROW("8", "12", "%[e]", "%[f]", "%[g]", "%[h]")
                     : [a] "+x"(sums->of[0][0]), [b] "+x"(sums->of[0][1]), [c] "+x"(sums->of[0][2]), [d] "+x"(sums->of[0][3]),
                       [e] "+x"(sums->of[1][0]), [f] "+x"(sums->of[1][1]), [g] "+x"(sums->of[1][2]), [h] "+x"(sums->of[1][3]),
                       [p] "=&x"(p), [q] "=&x"(q), [r] "=&x"(r), [x] "=&x"(x), [y] "=&x"(y), [t] "=&x"(t), [u] "=&x"(u), [v] "=&x"(v)
                     : [row] "r"(row), [column] "r"(column), "m"(*(const uint32_t(*)[4])row), "m"(*(const uint32_t(*)[64])column));
}

AVX2_INLINE void add_units(const uint32_t *row, const uint32_t *column, size_t units, Sums *sums) {
    const uint32_t *const end = row + units * 4;
    // Eight a turn, and then what is left: the loop's own instructions would count.
    for (const uint32_t *const eights = row + units / 8 * 32; row != eights; row += 32, column += 512)
        _Pragma("clang loop unroll(full)") for (size_t u = 0; u < 8; u++) add_unit(row + u * 4, column + u * 64, sums);
    for (; row != end; row += 4, column += 64) add_unit(row, column, sums);
}

// Sums of a group that begin without its rows' excesses and the columns'.
AVX2_INLINE Sums first_sums(const uint32_t *row_excesses, const uint32_t *column_excesses) {
    Sums sums;
    _Pragma("clang loop unroll(full)") for (size_t i = 0; i < MICA_PAIR_ROWS; i++)
        _Pragma("clang loop unroll(full)") for (size_t k = 0; k < 4; k++) {
            const __m256i columns = _mm256_loadu_si256((const __m256i *)column_excesses + k);
            sums.of[i][k] = _mm256_sub_epi32(_mm256_set1_epi32((int32_t)-row_excesses[i]), columns);
        }
    return sums;
}

// y = a row's sums times its scale and the columns', or += it if `adds`. One scale after the other: the product of two small ones may be
// too small for a float.
AVX2_INLINE void add_scaled(float *y, __m256i sums, __m256 row, const float *column_scales, int adds) {
    const __m256 value = _mm256_mul_ps(_mm256_cvtepi32_ps(sums), row), columns = _mm256_loadu_ps(column_scales);
    _mm256_storeu_ps(y, adds ? _mm256_fmadd_ps(value, columns, _mm256_loadu_ps(y)) : _mm256_mul_ps(value, columns));
}

#endif
