// What the bfloat16 kernels share: pairs and their step.
#pragma once
#include "avx512.h"

#if defined(__x86_64__)
#define BF16_INLINE static inline __attribute__((always_inline)) BF16_TARGET

// Words of two bfloat16: element i of the result is (low[i], high[i]).
BF16_INLINE __m512i bf16_pairs(__m512 low, __m512 high) {
    const __m512i l = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(low));
    const __m512i h = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(high));
    return _mm512_or_si512(l, _mm512_slli_epi32(h, 16));
}

// sum += the products of the two values of a word with those of each lane.
BF16_INLINE __m512 bf16_multiply_add(__m512 sum, __m512i word, __m512i lanes) {
    return _mm512_dpbf16_ps(sum, (__m512bh)word, (__m512bh)lanes);
}
#endif
