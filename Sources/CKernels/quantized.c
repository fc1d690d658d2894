#include "dispatch.h"

// Symmetric rounding of a row to 8 bits, the largest magnitude becoming 127.
INLINE float row_scale(const float *x, size_t count) {
    float largest = 0;
    for (size_t i = 0; i < count; i++) {
        const float a = fabsf(x[i]);
        largest = a > largest ? a : largest;
    }
    return largest / 127.0f;
}

KERNEL float mica_quantize_row_s8(const float *x, int8_t *y, size_t count, int32_t *sum) {
    const float scale = row_scale(x, count), inverse = scale > 0 ? 1.0f / scale : 0;
    int32_t total = 0;
    for (size_t i = 0; i < count; i++) {
        const int32_t q = (int32_t)nearbyintf(x[i] * inverse);
        y[i] = (int8_t)q;
        total += q;
    }
    *sum = total;
    return scale;
}

KERNEL float mica_quantize_row_u8(const float *x, uint8_t *y, size_t count, int32_t *zero) {
    float lowest = 0, highest = 0;
    for (size_t i = 0; i < count; i++) {
        lowest = x[i] < lowest ? x[i] : lowest;
        highest = x[i] > highest ? x[i] : highest;
    }
    const float scale = (highest - lowest) / 255.0f, inverse = scale > 0 ? 1.0f / scale : 0;
    const int32_t offset = (int32_t)nearbyintf(-lowest * inverse);
    for (size_t i = 0; i < count; i++) {
        const int32_t q = (int32_t)nearbyintf(x[i] * inverse) + offset;
        y[i] = (uint8_t)(q < 0 ? 0 : (q > 255 ? 255 : q));
    }
    *zero = offset;
    return scale;
}

KERNEL void mica_dequantize_rows(const int32_t *x, const float *row_scales, const int32_t *row_zeros, const float *column_scales,
                                 const int32_t *column_sums, float *y, size_t rows, size_t columns, size_t stride) {
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < columns; i++)
            y[r * stride + i] = (float)(x[r * stride + i] - row_zeros[r] * column_sums[i]) * (row_scales[r] * column_scales[i]);
}

KERNEL float mica_dot_s8(const float *a, const int8_t *b, size_t count) {
    REORDER
    float sum = 0;
    for (size_t i = 0; i < count; i++) sum += a[i] * (float)b[i];
    return sum;
}

int mica_has_s8_products(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vnni");
#else
    return 0;
#endif
}
