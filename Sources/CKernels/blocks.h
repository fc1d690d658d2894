// ggml's blocks to float32, inlined into each kernel. A block begins at any address; its numbers are little-endian, its scales float16.
//
// What every decoder computes is scale * q, or that and an offset. No product is rounded (11 bits of a float16, and 12 at most of a
// factor and q together), so that fused and separate arithmetic give the same value, and a sum is rounded once. Without `restrict`, a
// store to y could change a byte of x, and loops are not vectorised.
#pragma once
#include "stored.h"

// Elements of the larger blocks, of which the smaller have an eighth.
enum { MICA_BLOCK = 256, MICA_SMALL_BLOCK = 32 };

INLINE float block_half(const uint8_t *x) {
    uint16_t bits;
    memcpy(&bits, x, sizeof bits);
    return mica_f16(bits);
}

// --- blocks of 32: a scale, perhaps an offset, and 32 numbers ------------------------------------------------------------------------
// Numbers of 4 bits: byte i has element i in its low half and element 16 + i in its high half. A fifth bit of element i is bit i of a word.

INLINE void decode_q40(const uint8_t *restrict x, float *restrict y) {
    const float scale = block_half(x);
    const uint8_t *q = x + 2;
    for (int i = 0; i < 16; i++) y[i] = scale * (float)((int)(q[i] & 15) - 8);
    for (int i = 0; i < 16; i++) y[16 + i] = scale * (float)((int)(q[i] >> 4) - 8);
}

INLINE void decode_q41(const uint8_t *restrict x, float *restrict y) {
    const float scale = block_half(x), offset = block_half(x + 2);
    const uint8_t *q = x + 4;
    for (int i = 0; i < 16; i++) y[i] = scale * (float)(q[i] & 15) + offset;
    for (int i = 0; i < 16; i++) y[16 + i] = scale * (float)(q[i] >> 4) + offset;
}

INLINE void decode_five_bits(const uint8_t *high, const uint8_t *q, float scale, int zero, float offset, float *restrict y) {
    uint32_t fifth;
    memcpy(&fifth, high, sizeof fifth);
    for (int i = 0; i < 16; i++) y[i] = scale * (float)((int)((q[i] & 15) | (fifth >> i & 1) << 4) - zero) + offset;
    for (int i = 0; i < 16; i++) y[16 + i] = scale * (float)((int)((q[i] >> 4) | (fifth >> (16 + i) & 1) << 4) - zero) + offset;
}

INLINE void decode_q50(const uint8_t *restrict x, float *restrict y) { decode_five_bits(x + 2, x + 6, block_half(x), 16, 0, y); }

INLINE void decode_q51(const uint8_t *restrict x, float *restrict y) {
    decode_five_bits(x + 4, x + 8, block_half(x), 0, block_half(x + 2), y);
}

INLINE void decode_q80(const uint8_t *restrict x, float *restrict y) {
    const float scale = block_half(x);
    for (int i = 0; i < 32; i++) y[i] = scale * (float)(int8_t)x[2 + i];
}

// The 16 values of IQ4: closer together around zero.
static const int8_t mica_iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

INLINE void decode_iq4_values(const uint8_t *restrict q, float scale, float *restrict y) {
    for (int i = 0; i < 16; i++) y[i] = scale * (float)mica_iq4_values[q[i] & 15];
    for (int i = 0; i < 16; i++) y[16 + i] = scale * (float)mica_iq4_values[q[i] >> 4];
}

INLINE void decode_iq4nl(const uint8_t *restrict x, float *restrict y) { decode_iq4_values(x + 2, block_half(x), y); }

// --- blocks of 256: parts of 16 or 32, each with a factor for the block's scale, perhaps another for its offset ----------------------

// Numbers of 2 bits: a byte has those of elements 32 apart in a half of the block. Factors are the halves of a byte for each 16.
INLINE void decode_q2k(const uint8_t *restrict x, float *restrict y) {
    const uint8_t *factors = x, *q = x + 16;
    const float scale = block_half(x + 80), offset = block_half(x + 82);
    for (int part = 0; part < 16; part++) {
        const float d = scale * (float)(factors[part] & 15), m = offset * (float)(factors[part] >> 4);
        const uint8_t *bytes = q + part / 8 * 32 + part % 2 * 16;
        const int shift = part % 8 / 2 * 2;
        for (int i = 0; i < 16; i++) y[part * 16 + i] = d * (float)(bytes[i] >> shift & 3) - m;
    }
}

// The same with a third bit, which is inverted: a byte of `high` has those of elements 32 apart. Factors are of 6 bits, four below in
// halves of bytes, two above in quarters.
INLINE void decode_q3k(const uint8_t *restrict x, float *restrict y) {
    const uint8_t *high = x, *q = x + 32, *packed = x + 96;
    const float scale = block_half(x + 108);
    for (int part = 0; part < 16; part++) {
        const int low = part < 8 ? packed[part] & 15 : packed[part - 8] >> 4;
        const int top = packed[8 + part % 4] >> part / 4 * 2 & 3;
        const float d = scale * (float)((low | top << 4) - 32);
        const uint8_t *bytes = q + part / 8 * 32 + part % 2 * 16, *bits = high + part % 2 * 16;
        const int shift = part % 8 / 2 * 2, bit = part / 2;
        for (int i = 0; i < 16; i++) y[part * 16 + i] = d * (float)((int)((bytes[i] >> shift & 3) | (bits[i] >> bit & 1) << 2) - 4);
    }
}

// Factors of 6 bits for eight parts, of the scale and of the offset, in 12 bytes: the first four parts have the low bits of bytes 0-3
// and 4-7; the others halves of bytes 8-11, under the two high bits of these.
INLINE void decode_factors(const uint8_t *x, int part, int *scale, int *offset) {
    if (part < 4) {
        *scale = x[part] & 63;
        *offset = x[part + 4] & 63;
    } else {
        *scale = (x[part + 4] & 15) | x[part - 4] >> 6 << 4;
        *offset = x[part + 4] >> 4 | x[part] >> 6 << 4;
    }
}

// Numbers of 4 bits: 32 bytes have one part in their low halves and the next in their high ones.
INLINE void decode_q4k(const uint8_t *restrict x, float *restrict y) {
    const float scale = block_half(x), offset = block_half(x + 2);
    const uint8_t *q = x + 16;
    for (int part = 0; part < 8; part++) {
        int scales, offsets;
        decode_factors(x + 4, part, &scales, &offsets);
        const float d = scale * (float)scales, m = offset * (float)offsets;
        const uint8_t *bytes = q + part / 2 * 32;
        const int shift = part % 2 * 4;
        for (int i = 0; i < 32; i++) y[part * 32 + i] = d * (float)(bytes[i] >> shift & 15) - m;
    }
}

// The same with a fifth bit: bit `part` of the element's byte of `high`.
INLINE void decode_q5k(const uint8_t *restrict x, float *restrict y) {
    const float scale = block_half(x), offset = block_half(x + 2);
    const uint8_t *high = x + 16, *q = x + 48;
    for (int part = 0; part < 8; part++) {
        int scales, offsets;
        decode_factors(x + 4, part, &scales, &offsets);
        const float d = scale * (float)scales, m = offset * (float)offsets;
        const uint8_t *bytes = q + part / 2 * 32;
        const int shift = part % 2 * 4;
        for (int i = 0; i < 32; i++) y[part * 32 + i] = d * (float)((bytes[i] >> shift & 15) | (high[i] >> part & 1) << 4) - m;
    }
}

// A half of the block has its low 4 bits in 64 bytes, element i and element 64 + i in one, and its high 2 bits in 32 bytes, of elements
// 32 apart. Factors are signed bytes, one for each 16.
INLINE void decode_q6k(const uint8_t *restrict x, float *restrict y) {
    const uint8_t *low = x, *high = x + 128;
    const int8_t *factors = (const int8_t *)x + 192;
    const float scale = block_half(x + 208);
    for (int part = 0; part < 16; part++) {
        const float d = scale * (float)factors[part];
        const int half = part / 8, inside = part % 8;
        const uint8_t *bytes = low + half * 64 + inside % 4 * 16, *bits = high + half * 32 + inside % 2 * 16;
        const int shift = inside / 4 * 4, place = inside / 2 * 2;
        for (int i = 0; i < 16; i++) y[part * 16 + i] = d * (float)((int)((bytes[i] >> shift & 15) | (bits[i] >> place & 3) << 4) - 32);
    }
}

// Eight parts of 32 as in IQ4_NL; factors of 6 bits, four below in halves of bytes, two above in a word.
INLINE void decode_iq4xs(const uint8_t *restrict x, float *restrict y) {
    const float scale = block_half(x);
    uint16_t top;
    memcpy(&top, x + 2, sizeof top);
    for (int part = 0; part < 8; part++) {
        const int factor = (x[4 + part / 2] >> part % 2 * 4 & 15) | (top >> 2 * part & 3) << 4;
        decode_iq4_values(x + 8 + part * 16, scale * (float)(factor - 32), y + part * 32);
    }
}
