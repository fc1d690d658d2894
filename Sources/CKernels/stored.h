// Elements of 8 bits to float32, inlined into each kernel.
#pragma once
#include "dispatch.h"

// float8_e4m3fn: 4 bits of exponent with bias 7, no infinities, one NaN of each sign.
INLINE float mica_e4m3(uint8_t bits) {
    const uint32_t sign = (uint32_t)(bits & 0x80) << 24, rest = bits & 0x7f, moved = rest << 20;
    float value;
    memcpy(&value, &moved, sizeof value);
    // 2^(127 - 7): exact, subnormal numbers included.
    value *= 0x1p120f;
    uint32_t wide;
    memcpy(&wide, &value, sizeof wide);
    wide = (rest == 0x7f ? 0x7fc00000u : wide) | sign;
    memcpy(&value, &wide, sizeof value);
    return value;
}

// float8_e5m2: the upper half of a float16.
INLINE float mica_e5m2(uint8_t bits) { return mica_f16((uint16_t)((uint16_t)bits << 8)); }

// The upper half of a float32, which is the same number if its lower half is zero.
INLINE uint16_t mica_upper_half(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)(bits >> 16);
}

// x rounded to bfloat16, half to even; NaN stays NaN.
INLINE uint16_t mica_to_bf16(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    // Rounding may carry a NaN's fraction away: it gets a bit that stays.
    return (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? (bits >> 16) | 0x40 : rounded);
}

// Elements of a group of int4, see `Quantization`: `count` of them from a group's start, at most 64.
enum { MICA_GROUP = 64 };
