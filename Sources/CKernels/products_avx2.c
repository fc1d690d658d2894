#include "pair_units.h"

// Products with AVX2 alone (products_vnni.c has them with more): both operands become integers of 16 bits, and vpmaddwd sums the
// products of two words' halves exactly. (vpmaddubsw, for bytes, would cut sums off at 16 bits.)
//
// A unit of four elements is multiplied as S. Winograd showed in 1968 ("A New Algorithm for Inner Product"):
//
//     (a0 + b2) (b0 + a2) + (a1 + b3) (b1 + a3)  =  a0 b0 + a1 b1 + a2 b2 + a3 b3  +  a0 a2 + a1 a3  +  b0 b2 + b1 b3
//
// What is too much, a row's excess and a column's, is summed up while they are packed, and taken from the sums before they begin. Half
// of the multiplications become additions, of which these CPUs do twice as many at once, and finding the right pipes for them is
// easier: 1.17 times as fast as without. Sums may wrap around on the way, being exact modulo 2^32; the elements of both operands must
// fit 15 bits, so that two together fit 16.

#if defined(__x86_64__)

AVX2_TARGET void mica_product_pairs(mica_pairs groups, size_t count, mica_pairs panel, size_t units, int32_t *sums, int adds) {
    for (size_t g = 0; g < count; g++) {
        Sums found = first_sums(groups.excesses + g * MICA_PAIR_ROWS, panel.excesses);
        add_units(groups.words + g * units * 4, panel.words, units, &found);
        for (size_t i = 0; i < MICA_PAIR_ROWS; i++)
            for (size_t k = 0; k < 4; k++, sums += 8) {
                const __m256i before = adds ? _mm256_loadu_si256((const __m256i *)sums) : _mm256_setzero_si256();
                _mm256_storeu_si256((__m256i *)sums, _mm256_add_epi32(found.of[i][k], before));
            }
    }
}

AVX2_TARGET void mica_product_scaled_pairs(mica_pairs groups, size_t count, mica_pairs panel, size_t units, float *sums, int adds) {
    // The panel after this one, which lies behind it, is asked for while this one is used: in its own page, no prefetcher of the CPU's
    // goes there. It comes no nearer than the second cache, as one panel fills half of the first.
    const uint32_t *next = panel.words + units * 64, *const end = next + units * 64;
    const size_t step = (units * 4 + count - 1) / count;
    for (size_t g = 0; g < count; g++, groups.words += units * 4) {
        Sums found = first_sums(groups.excesses + g * MICA_PAIR_ROWS, panel.excesses);
        for (size_t line = 0; line < step && next < end; line++, next += 16) __builtin_prefetch(next, 0, 2);
        add_units(groups.words, panel.words, units, &found);
        _Pragma("clang loop unroll(full)") for (size_t i = 0; i < MICA_PAIR_ROWS; i++) {
            const __m256 row = _mm256_set1_ps(groups.scales[g * MICA_PAIR_ROWS + i]);
            _Pragma("clang loop unroll(full)") for (size_t k = 0; k < 4; k++, sums += 8)
                add_scaled(sums, found.of[i][k], row, panel.scales + k * 8, adds);
        }
    }
}

#else
void mica_product_pairs(mica_pairs groups, size_t count, mica_pairs panel, size_t units, int32_t *sums, int adds) { __builtin_trap(); }
void mica_product_scaled_pairs(mica_pairs groups, size_t count, mica_pairs panel, size_t units, float *sums, int adds) {
    __builtin_trap();
}
#endif
