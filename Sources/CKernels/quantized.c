#include "avx512.h"
#include "stored.h"

// As bits, so that a NaN or an infinity, whose bits are above all numbers', comes through.
INLINE float largest_of(const float *x, size_t count) {
    int32_t largest = 0;
    for (size_t i = 0; i < count; i++) {
        int32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        bits &= 0x7fffffff;
        largest = bits > largest ? bits : largest;
    }
    float value;
    memcpy(&value, &largest, sizeof value);
    return value;
}

KERNEL float mica_largest_magnitude(const float *x, size_t count) { return largest_of(x, count); }

// 1 / scale; 0 for a scale whose inverse would overflow, so that such a row becomes zeros.
INLINE float inverse_of(float scale) { return fabsf(scale) > 0x1p-120f ? 1.0f / scale : 0; }

KERNEL float mica_quantize_row_s8(const float *x, int8_t *y, size_t count) {
    const float scale = largest_of(x, count) / 127.0f, inverse = inverse_of(scale);
    for (size_t i = 0; i < count; i++) y[i] = (int8_t)(int32_t)nearbyintf(x[i] * inverse);
    return scale;
}

// The float32 bits of a magnitude rounded to 3 bits after the first, half to even.
INLINE uint32_t rounded_e4m3(float magnitude) {
    uint32_t bits;
    memcpy(&bits, &magnitude, sizeof bits);
    return (bits + 0x7ffff + ((bits >> 20) & 1)) & 0xfff00000;
}

// Magnitudes up to 448 to the nearest float8_e4m3fn, half to even.
INLINE uint8_t to_e4m3(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint32_t sign = (bits >> 24) & 0x80;
    const float magnitude = fabsf(x) < 448.0f ? fabsf(x) : 448.0f;
    const uint32_t normal = (rounded_e4m3(magnitude) >> 20) - (120u << 3);
    // Below 2^-6 numbers are multiples of 2^-9; the eighth is the first of the others.
    const uint32_t small = (uint32_t)(int32_t)nearbyintf(magnitude * 0x1p9f);
    return (uint8_t)(sign | (magnitude < 0x1p-6f ? small : normal));
}

// The squared error that a scale leaves.
INLINE float error_e4m3(const float *x, size_t count, float inverse) {
    REORDER
    float sum = 0;
    for (size_t i = 0; i < count; i++) {
        const float magnitude = fabsf(x[i]) * inverse;
        const uint32_t bits = rounded_e4m3(magnitude);
        float normal;
        memcpy(&normal, &bits, sizeof normal);
        const float nearest = magnitude < 0x1p-6f ? nearbyintf(magnitude * 0x1p9f) * 0x1p-9f : normal;
        sum += (magnitude - nearest) * (magnitude - nearest);
    }
    return sum / (inverse * inverse);
}

KERNEL float mica_quantize_row_e4m3(const float *x, uint8_t *y, size_t count) {
    // Steps double at powers of two: where these fall among a row's values is worth up to 0.7 dB. Eighths of an octave.
    static const float octave[8] = {1, 1.0905077f, 1.1892071f, 1.2968396f, 1.4142135f, 1.5422108f, 1.6817929f, 1.8340081f};
    const float least = largest_of(x, count) / 448.0f;
    float scale = least, smallest = INFINITY;
    for (int trial = 0; trial < 8 && inverse_of(least) > 0; trial++) {
        const float candidate = least * octave[trial];
        const float error = error_e4m3(x, count, 1.0f / candidate);
        if (error < smallest) {
            smallest = error;
            scale = candidate;
        }
    }
    const float inverse = inverse_of(scale);
    for (size_t i = 0; i < count; i++) y[i] = to_e4m3(x[i] * inverse);
    return scale;
}

INLINE float round_s4(float x) {
    const float q = nearbyintf(x);
    return q < -8.0f ? -8.0f : (q > 7.0f ? 7.0f : q);
}

// The scale of at most 64 values: of some steps around that which makes the largest magnitude -8, the one whose best scale for its
// integers leaves the least squared error.
INLINE float scale_s4(const float *x, size_t size) {
    REORDER
    float extreme = 0;
    for (size_t i = 0; i < size; i++) extreme = fabsf(x[i]) > fabsf(extreme) ? x[i] : extreme;
    if (inverse_of(extreme) == 0) return 0;
    float best = extreme / -8.0f, most = -1;
    for (int trial = 0; trial < 12; trial++) {
        const float inverse = -(6.6f + 0.2f * (float)trial) / extreme;
        float product = 0, square = 0;
        for (size_t i = 0; i < size; i++) {
            const float q = round_s4(x[i] * inverse);
            product += q * x[i];
            square += q * q;
        }
        // The error is what is left of |x|^2 after this much is explained.
        const float explained = square > 0 ? product * product / square : 0;
        if (explained > most) {
            most = explained;
            best = product / square;
        }
    }
    return best;
}

KERNEL void mica_quantize_row_s4(const float *x, uint8_t *y, uint16_t *scales, size_t count) {
    for (size_t start = 0; start < count; start += MICA_GROUP, x += MICA_GROUP, y += MICA_GROUP / 2) {
        const size_t size = count - start < MICA_GROUP ? count - start : MICA_GROUP, half = (size + 1) / 2;
        *scales = mica_to_bf16(scale_s4(x, size));
        const float scale = mica_bf16(*scales++), inverse = inverse_of(scale);
        for (size_t i = 0; i < half; i++) y[i] = (uint8_t)((int)round_s4(x[i] * inverse) + 8);
        for (size_t i = 0; i < size - half; i++) y[i] |= (uint8_t)(((int)round_s4(x[half + i] * inverse) + 8) << 4);
    }
}

KERNEL float mica_quantize_row_u8(const float *x, uint8_t *y, size_t count, int32_t *zero) {
    // No integer stands for an infinity or NaN: the scale does, so that what is made of the row is not finite either.
    if (!(largest_of(x, count) < INFINITY)) {
        memset(y, 0, count);
        *zero = 0;
        return NAN;
    }
    float lowest = 0, highest = 0;
    for (size_t i = 0; i < count; i++) {
        lowest = x[i] < lowest ? x[i] : lowest;
        highest = x[i] > highest ? x[i] : highest;
    }
    const float scale = (highest - lowest) / 255.0f, inverse = inverse_of(scale);
    const int32_t offset = (int32_t)nearbyintf(-lowest * inverse);
    for (size_t i = 0; i < count; i++) {
        const int32_t q = (int32_t)nearbyintf(x[i] * inverse) + offset;
        y[i] = (uint8_t)(q < 0 ? 0 : (q > 255 ? 255 : q));
    }
    *zero = offset;
    return scale;
}

KERNEL void mica_dequantize_rows(const int32_t *x, size_t x_stride, const float *row_scales, const int32_t *row_zeros,
                                 const float *column_scales, const int32_t *column_sums, float *y, size_t rows, size_t columns,
                                 size_t stride) {
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < columns; i++)
            y[r * stride + i] = (float)(x[r * x_stride + i] - row_zeros[r] * column_sums[i]) * (row_scales[r] * column_scales[i]);
}

KERNEL float mica_dot_s8(const float *a, const int8_t *b, size_t count) {
    REORDER
    float sum = 0;
    for (size_t i = 0; i < count; i++) sum += a[i] * (float)b[i];
    return sum;
}

int mica_has_s8_products(void) {
#if defined(__x86_64__)
    return has_avx512() && AVX512_HAS("avx512vnni");
#else
    return 0;
#endif
}
