// The instructions of AVX-512 that Sources/CKernels uses, lane by lane in C under the names of immintrin.h, which it takes the place
// of. Names, arguments and what becomes of NaN are those of Intel's Intrinsics Guide. How bfloat16 is rounded and that its numbers
// below 2^-126 count as zero is said of VCVTNEPS2BF16 and VDPBF16PS in Intel's Software Developer's Manual, volume 2.
#pragma once
#include <math.h>
#include <stdint.h>
#include <string.h>

#define EMULATED static inline __attribute__((always_inline))

typedef float __m128 __attribute__((vector_size(16)));
typedef float __m256 __attribute__((vector_size(32)));
typedef float __m512 __attribute__((vector_size(64)));
typedef int32_t __m128i __attribute__((vector_size(16)));
typedef int32_t __m256i __attribute__((vector_size(32)));
typedef int32_t __m512i __attribute__((vector_size(64)));
typedef uint16_t __m128bh __attribute__((vector_size(16)));
typedef uint16_t __m256bh __attribute__((vector_size(32)));
typedef uint16_t __m512bh __attribute__((vector_size(64)));
typedef uint8_t __mmask8;
typedef uint16_t __mmask16;
typedef uint64_t __mmask64;

// NAME(p): a vector of TYPE from unaligned memory; NAME(p, v): back to it.
#define EMULATED_LOAD(NAME, TYPE)                                                                                                  \
    EMULATED TYPE NAME(const void *p) {                                                                                            \
        TYPE v;                                                                                                                    \
        memcpy(&v, p, sizeof v);                                                                                                   \
        return v;                                                                                                                  \
    }
#define EMULATED_STORE(NAME, TYPE)                                                                                                 \
    EMULATED void NAME(void *p, TYPE v) { memcpy(p, &v, sizeof v); }
EMULATED_LOAD(_mm_loadu_ps, __m128)
EMULATED_LOAD(_mm256_loadu_ps, __m256)
EMULATED_LOAD(_mm512_loadu_ps, __m512)
EMULATED_LOAD(_mm512_loadu_si512, __m512i)
EMULATED_STORE(_mm_storeu_ps, __m128)
EMULATED_STORE(_mm512_storeu_ps, __m512)
EMULATED_STORE(_mm512_storeu_si512, __m512i)
EMULATED_STORE(_mm256_storeu_si256, __m256i)

EMULATED __m128i _mm_loadl_epi64(const void *p) {
    __m128i v = {0};
    memcpy(&v, p, 8);
    return v;
}

// Lanes whose bit of the mask is 0 are not read, and are 0; or are not written.
#define EMULATED_MASKED(LOAD, STORE, TYPE, MASK, ELEMENT)                                                                          \
    EMULATED TYPE LOAD(MASK mask, const void *p) {                                                                                 \
        ELEMENT lanes[sizeof(TYPE) / sizeof(ELEMENT)] = {0};                                                                       \
        for (size_t i = 0; i < sizeof(TYPE) / sizeof(ELEMENT); i++)                                                                \
            if (mask >> i & 1) lanes[i] = ((const ELEMENT *)p)[i];                                                                 \
        TYPE v;                                                                                                                    \
        memcpy(&v, lanes, sizeof v);                                                                                               \
        return v;                                                                                                                  \
    }                                                                                                                              \
    EMULATED void STORE(void *p, MASK mask, TYPE v) {                                                                              \
        ELEMENT lanes[sizeof(TYPE) / sizeof(ELEMENT)];                                                                             \
        memcpy(lanes, &v, sizeof v);                                                                                               \
        for (size_t i = 0; i < sizeof(TYPE) / sizeof(ELEMENT); i++)                                                                \
            if (mask >> i & 1) ((ELEMENT *)p)[i] = lanes[i];                                                                       \
    }
EMULATED_MASKED(_mm256_maskz_loadu_ps, _mm256_mask_storeu_ps, __m256, __mmask8, float)
EMULATED_MASKED(_mm512_maskz_loadu_ps, _mm512_mask_storeu_ps, __m512, __mmask16, float)
EMULATED_MASKED(_mm512_maskz_loadu_epi8, _mm512_mask_storeu_epi8, __m512i, __mmask64, uint8_t)

EMULATED __m128 _mm_setr_ps(float a, float b, float c, float d) { return (__m128){a, b, c, d}; }
EMULATED __m128 _mm_set_ss(float a) { return (__m128){a, 0, 0, 0}; }
EMULATED __m256 _mm256_set_m128(__m128 high, __m128 low) { return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7); }
EMULATED __m512 _mm512_setzero_ps(void) { return (__m512){0}; }
EMULATED __m512i _mm512_setzero_si512(void) { return (__m512i){0}; }
EMULATED __m512 _mm512_set1_ps(float a) { return (__m512){a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a}; }
EMULATED __m512i _mm512_set1_epi32(int a) { return (__m512i){a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a}; }
#define _mm512_setr_epi32(...) ((__m512i){__VA_ARGS__})

EMULATED __m128 _mm256_castps256_ps128(__m256 v) { return __builtin_shufflevector(v, v, 0, 1, 2, 3); }
EMULATED __m128 _mm256_extractf128_ps(__m256 v, int half) {
    return (__m128){v[half * 4], v[half * 4 + 1], v[half * 4 + 2], v[half * 4 + 3]};
}
EMULATED __m128 _mm512_extractf32x4_ps(__m512 v, int quarter) {
    return (__m128){v[quarter * 4], v[quarter * 4 + 1], v[quarter * 4 + 2], v[quarter * 4 + 3]};
}
EMULATED int _mm_cvtsi128_si32(__m128i v) { return v[0]; }
EMULATED __m128i _mm_castps_si128(__m128 v) { return (__m128i)v; }
EMULATED __m128 _mm_castsi128_ps(__m128i v) { return (__m128)v; }
EMULATED __m512i _mm512_castps_si512(__m512 v) { return (__m512i)v; }
EMULATED __m512 _mm512_castsi512_ps(__m512i v) { return (__m512)v; }

EMULATED __m128 _mm_add_ps(__m128 a, __m128 b) { return a + b; }
EMULATED __m128i _mm_add_epi32(__m128i a, __m128i b) {
    for (int i = 0; i < 4; i++) a[i] = (int32_t)((uint32_t)a[i] + (uint32_t)b[i]);
    return a;
}
EMULATED __m512 _mm512_add_ps(__m512 a, __m512 b) { return a + b; }
EMULATED __m512 _mm512_sub_ps(__m512 a, __m512 b) { return a - b; }
EMULATED __m512 _mm512_mul_ps(__m512 a, __m512 b) { return a * b; }
EMULATED __m512i _mm512_or_si512(__m512i a, __m512i b) { return a | b; }

#define EMULATED_LANES(RESULT) for (int i = 0; i < 16; i++) RESULT;
EMULATED __m512i _mm512_add_epi32(__m512i a, __m512i b) {
    EMULATED_LANES(a[i] = (int32_t)((uint32_t)a[i] + (uint32_t)b[i]))
    return a;
}
EMULATED __m512i _mm512_sub_epi32(__m512i a, __m512i b) {
    EMULATED_LANES(a[i] = (int32_t)((uint32_t)a[i] - (uint32_t)b[i]))
    return a;
}
EMULATED __m512i _mm512_add_epi16(__m512i a, __m512i b) { return (__m512i)((__m512bh)a + (__m512bh)b); }
EMULATED __m512 _mm512_cvtepi32_ps(__m512i a) { return __builtin_convertvector(a, __m512); }
EMULATED __m512i _mm512_slli_epi32(__m512i a, int count) {
    EMULATED_LANES(a[i] = (int32_t)((uint32_t)a[i] << count))
    return a;
}
EMULATED __m512 _mm512_fmadd_ps(__m512 a, __m512 b, __m512 c) {
    return __builtin_elementwise_fma(a, b, c);
}
// Of a pair with NaN the second.
EMULATED __m512 _mm512_max_ps(__m512 a, __m512 b) {
    EMULATED_LANES(b[i] = a[i] > b[i] ? a[i] : b[i])
    return b;
}
EMULATED __m512 _mm512_scalef_ps(__m512 a, __m512 b) {
    EMULATED_LANES(a[i] = isnan(b[i]) ? b[i] : ldexpf(a[i], (int)floorf(b[i])))
    return a;
}
// Only "to the nearest whole number" (0) is there.
EMULATED __m512 _mm512_roundscale_ps(__m512 a, int control) {
    if (control != 0) __builtin_trap();
    EMULATED_LANES(a[i] = rintf(a[i]))
    return a;
}
EMULATED __m512 _mm512_mask_blend_ps(__mmask16 mask, __m512 a, __m512 b) {
    EMULATED_LANES(if (mask >> i & 1) a[i] = b[i])
    return a;
}
EMULATED __m512 _mm512_maskz_mov_ps(__mmask16 mask, __m512 a) { return _mm512_mask_blend_ps(mask, _mm512_setzero_ps(), a); }
EMULATED __mmask16 _mm512_cmplt_epi32_mask(__m512i a, __m512i b) {
    unsigned mask = 0;
    EMULATED_LANES(mask |= (unsigned)(a[i] < b[i]) << i)
    return (__mmask16)mask;
}
EMULATED __mmask16 _mm512_cmpge_epi32_mask(__m512i a, __m512i b) { return (__mmask16)~_mm512_cmplt_epi32_mask(a, b); }
// Only "not equal, or NaN" is there.
#define _CMP_NEQ_UQ 4
EMULATED __mmask16 _mm512_cmp_ps_mask(__m512 a, __m512 b, int comparison) {
    if (comparison != _CMP_NEQ_UQ) __builtin_trap();
    unsigned mask = 0;
    EMULATED_LANES(mask |= (unsigned)(a[i] != b[i]) << i)
    return (__mmask16)mask;
}
// In the order of the compiler's own: halves with halves.
EMULATED float _mm512_reduce_add_ps(__m512 v) {
    for (int half = 8; half; half /= 2)
        for (int i = 0; i < half; i++) v[i] += v[i + half];
    return v[0];
}
EMULATED float _mm512_reduce_max_ps(__m512 v) {
    for (int half = 8; half; half /= 2)
        for (int i = 0; i < half; i++) v[i] = v[i] > v[i + half] ? v[i] : v[i + half];
    return v[0];
}

// Within each quarter: lanes 0, 1 (low) or 2, 3 (high) of a and b in turns, of 32 or of 64 bits.
#define EMULATED_UNPACK(NAME, TYPE, A, B, C, D)                                                                                    \
    EMULATED TYPE NAME(TYPE a, TYPE b) {                                                                                           \
        return __builtin_shufflevector(a, b, A, B, C, D, A + 4, B + 4, C + 4, D + 4, A + 8, B + 8, C + 8, D + 8, A + 12, B + 12,   \
                                       C + 12, D + 12);                                                                            \
    }
EMULATED_UNPACK(_mm512_unpacklo_ps, __m512, 0, 16, 1, 17)
EMULATED_UNPACK(_mm512_unpackhi_ps, __m512, 2, 18, 3, 19)
EMULATED_UNPACK(_mm512_unpacklo_epi32, __m512i, 0, 16, 1, 17)
EMULATED_UNPACK(_mm512_unpackhi_epi32, __m512i, 2, 18, 3, 19)
EMULATED_UNPACK(_mm512_unpacklo_epi64, __m512i, 0, 1, 16, 17)
EMULATED_UNPACK(_mm512_unpackhi_epi64, __m512i, 2, 3, 18, 19)
// Two lanes of a and two of b in each quarter, or two quarters of a and two of b.
EMULATED __m512 _mm512_shuffle_ps(__m512 a, __m512 b, int control) {
    __m512 v;
    EMULATED_LANES(v[i] = (i % 4 < 2 ? a : b)[i / 4 * 4 + (control >> i % 4 * 2 & 3)])
    return v;
}
EMULATED __m512i _mm512_shuffle_i32x4(__m512i a, __m512i b, int control) {
    __m512i v;
    EMULATED_LANES(v[i] = (i < 8 ? a : b)[(control >> i / 4 * 2 & 3) * 4 + i % 4])
    return v;
}

EMULATED uint16_t emulated_to_bf16(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (isnan(x)) return (uint16_t)(bits >> 16 | 0x40);
    if ((bits >> 23 & 255) == 0) return (uint16_t)(bits >> 16 & 0x8000);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
EMULATED __m128bh _mm_cvtneps_pbh(__m128 a) {
    __m128bh v = {0};
    for (int i = 0; i < 4; i++) v[i] = emulated_to_bf16(a[i]);
    return v;
}
EMULATED __m256bh _mm512_cvtneps_pbh(__m512 a) {
    __m256bh v;
    EMULATED_LANES(v[i] = emulated_to_bf16(a[i]))
    return v;
}
EMULATED __m512bh _mm512_cvtne2ps_pbh(__m512 high, __m512 low) {
    __m512bh v;
    for (int i = 0; i < 32; i++) v[i] = emulated_to_bf16(i < 16 ? low[i] : high[i - 16]);
    return v;
}
EMULATED __m512i _mm512_cvtepu16_epi32(__m256i a) {
    const __m256bh words = (__m256bh)a;
    __m512i v;
    EMULATED_LANES(v[i] = words[i])
    return v;
}
typedef uint32_t emulated_words __attribute__((vector_size(64)));
// What bfloat16 in the upper halves of words is as float32; below the normal numbers, a zero of its sign.
EMULATED __m512 emulated_from_bf16(emulated_words upper) {
    const emulated_words small = (emulated_words)((upper & 0x7f800000) == 0);
    return (__m512)(upper & (~small | 0x80000000));
}
EMULATED __m512 _mm512_dpbf16_ps(__m512 sum, __m512bh a, __m512bh b) {
    const emulated_words left = (emulated_words)a, right = (emulated_words)b;
    sum = _mm512_fmadd_ps(emulated_from_bf16(left & 0xffff0000), emulated_from_bf16(right & 0xffff0000), sum);
    return _mm512_fmadd_ps(emulated_from_bf16(left << 16), emulated_from_bf16(right << 16), sum);
}
// Two products of 16 bits, added to the sum modulo 2^32.
EMULATED __m512i _mm512_dpwssd_epi32(__m512i sum, __m512i a, __m512i b) {
    int16_t left[32], right[32];
    memcpy(left, &a, sizeof left);
    memcpy(right, &b, sizeof right);
    for (int i = 0; i < 32; i++) sum[i / 2] = (int32_t)((uint32_t)sum[i / 2] + (uint32_t)(left[i] * right[i]));
    return sum;
}
// Four products of an unsigned and a signed byte, added without saturation.
EMULATED __m512i _mm512_dpbusd_epi32(__m512i sum, __m512i a, __m512i b) {
    uint8_t left[64];
    int8_t right[64];
    memcpy(left, &a, sizeof left);
    memcpy(right, &b, sizeof right);
    for (int i = 0; i < 64; i++) sum[i / 4] = (int32_t)((uint32_t)sum[i / 4] + (uint32_t)(left[i] * right[i]));
    return sum;
}
