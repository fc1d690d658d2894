#include "stored.h"

// --- to float32 ----------------------------------------------------------------------------------------------------------------

KERNEL void mica_widen_e4m3(const uint8_t *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = mica_e4m3(x[i]);
}

KERNEL void mica_widen_e5m2(const uint8_t *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = mica_e5m2(x[i]);
}

KERNEL void mica_widen_s8(const int8_t *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = (float)x[i];
}

KERNEL void mica_widen_s4(const uint8_t *x, const uint16_t *scales, float *y, size_t count) {
    for (size_t start = 0; start < count; start += MICA_GROUP, x += MICA_GROUP / 2, y += MICA_GROUP) {
        const float scale = mica_bf16(*scales++);
        const size_t size = count - start < MICA_GROUP ? count - start : MICA_GROUP, half = (size + 1) / 2;
        for (size_t i = 0; i < half; i++) y[i] = scale * (float)((int)(x[i] & 15) - 8);
        for (size_t i = 0; i < size - half; i++) y[half + i] = scale * (float)((int)(x[i] >> 4) - 8);
    }
}

// --- to bfloat16 ---------------------------------------------------------------------------------------------------------------

KERNEL void mica_narrow_f16(const uint16_t *x, uint16_t *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = mica_to_bf16(mica_f16(x[i]));
}

KERNEL void mica_narrow_e4m3(const uint8_t *x, uint16_t *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = mica_upper_half(mica_e4m3(x[i]));
}

KERNEL void mica_narrow_e5m2(const uint8_t *x, uint16_t *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = mica_upper_half(mica_e5m2(x[i]));
}

KERNEL void mica_narrow_s8(const int8_t *x, uint16_t *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = mica_upper_half((float)x[i]);
}

KERNEL void mica_narrow_s4(const uint8_t *x, const uint16_t *scales, uint16_t *y, size_t count) {
    for (size_t start = 0; start < count; start += MICA_GROUP, x += MICA_GROUP / 2, y += MICA_GROUP) {
        const float scale = mica_bf16(*scales++);
        const size_t size = count - start < MICA_GROUP ? count - start : MICA_GROUP, half = (size + 1) / 2;
        for (size_t i = 0; i < half; i++) y[i] = mica_to_bf16(scale * (float)((int)(x[i] & 15) - 8));
        for (size_t i = 0; i < size - half; i++) y[half + i] = mica_to_bf16(scale * (float)((int)(x[i] >> 4) - 8));
    }
}

// --- times a vector ------------------------------------------------------------------------------------------------------------

KERNEL float mica_dot_e4m3(const float *a, const uint8_t *b, size_t count) {
    REORDER
    float sum = 0;
    for (size_t i = 0; i < count; i++) sum += a[i] * mica_e4m3(b[i]);
    return sum;
}

KERNEL float mica_dot_e5m2(const float *a, const uint8_t *b, size_t count) {
    REORDER
    float sum = 0;
    for (size_t i = 0; i < count; i++) sum += a[i] * mica_e5m2(b[i]);
    return sum;
}

KERNEL float mica_dot_s4(const float *a, const uint8_t *b, const uint16_t *scales, size_t count) {
    REORDER
    // A sum for each byte of a group, so that the lanes are added up once.
    float sums[MICA_GROUP / 2] = {0};
    size_t start = 0;
    for (; start + MICA_GROUP <= count; start += MICA_GROUP, a += MICA_GROUP, b += MICA_GROUP / 2) {
        const float scale = mica_bf16(*scales++);
        for (size_t i = 0; i < MICA_GROUP / 2; i++)
            sums[i] += scale * (a[i] * (float)((int)(b[i] & 15) - 8) + a[MICA_GROUP / 2 + i] * (float)((int)(b[i] >> 4) - 8));
    }
    float sum = 0;
    for (size_t i = 0; i < MICA_GROUP / 2; i++) sum += sums[i];
    const size_t size = count - start, half = (size + 1) / 2;
    float rest = 0;
    for (size_t i = 0; i < half; i++) rest += a[i] * (float)((int)(b[i] & 15) - 8);
    for (size_t i = 0; i < size - half; i++) rest += a[half + i] * (float)((int)(b[i] >> 4) - 8);
    return size > 0 ? sum + mica_bf16(*scales) * rest : sum;
}

KERNEL void mica_scale_columns(float *y, const float *scales, size_t rows, size_t columns, size_t stride) {
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < columns; i++) y[r * stride + i] *= scales[i];
}

KERNEL void mica_sum_rows_s8(const int8_t *x, int32_t *sums, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++) {
        int32_t sum = 0;
        for (size_t i = 0; i < columns; i++) sum += x[r * columns + i];
        sums[r] = sum;
    }
}

// --- rotation ------------------------------------------------------------------------------------------------------------------

KERNEL void mica_rotate(float *x, size_t count, size_t size) {
    for (size_t step = 1; step < size; step *= 4)
        for (size_t start = 0; start < count; start += 4 * step)
            for (size_t i = start; i < start + step; i++) {
                const float a = x[i], b = x[i + step], c = x[i + 2 * step], d = x[i + 3 * step];
                const float half = 0.5f * ((a + b) + (c + d));
                x[i] = half - d;
                x[i + step] = half - c;
                x[i + 2 * step] = half - b;
                x[i + 3 * step] = half - a;
            }
}

// --- checks --------------------------------------------------------------------------------------------------------------------

KERNEL size_t mica_first_not_finite(const float *x, size_t count) {
    size_t i = 0;
    while (i < count && fabsf(x[i]) <= 3.4028235e38f) i++;
    return i;
}

KERNEL size_t mica_first_not_finite_bf16(const uint16_t *x, size_t count) {
    size_t first = 0;
    for (; first < count; first += 4096) {
        const size_t size = count - first < 4096 ? count - first : 4096;
        uint16_t largest = 0;
        for (size_t i = 0; i < size; i++) {
            const uint16_t bits = x[first + i] & 0x7fff;
            largest = bits > largest ? bits : largest;
        }
        if (largest < 0x7f80) continue;
        while ((x[first] & 0x7fff) < 0x7f80) first++;
        return first;
    }
    return count;
}
