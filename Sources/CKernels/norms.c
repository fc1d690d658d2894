#include "activations.h"

KERNEL void mica_layer_norm(const float *x, const float *shift, const float *scale, float epsilon, float *y, size_t rows, size_t columns) {
    REORDER
    for (size_t r = 0; r < rows; r++) {
        const float *s = x + r * columns;
        float *d = y + r * columns;
        float sum = 0;
        for (size_t i = 0; i < columns; i++) sum += s[i];
        const float mean = sum / (float)columns;
        // In a second pass: the difference of two large sums would lose the variance of rows far from zero.
        float squares = 0;
        for (size_t i = 0; i < columns; i++) squares += (s[i] - mean) * (s[i] - mean);
        const float factor = 1.0f / sqrtf(squares / (float)columns + epsilon);
        if (scale) {
            for (size_t i = 0; i < columns; i++) d[i] = (s[i] - mean) * factor * (1.0f + scale[i]) + shift[i];
        } else {
            for (size_t i = 0; i < columns; i++) d[i] = (s[i] - mean) * factor;
        }
    }
}

INLINE float sum_of_squares(const float *x, size_t count) {
    REORDER
    float sum = 0;
    for (size_t i = 0; i < count; i++) sum += x[i] * x[i];
    return sum;
}

KERNEL void mica_rms_norm(const float *x, const float *weight, float epsilon, float *y, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++) {
        const float *s = x + r * columns;
        float *d = y + r * columns;
        const float factor = 1.0f / sqrtf(sum_of_squares(s, columns) / (float)columns + epsilon);
        for (size_t i = 0; i < columns; i++) d[i] = s[i] * factor * weight[i];
    }
}

KERNEL void mica_channel_norm(const float *x, const float *gamma, float *y, size_t rows, size_t columns, int activation) {
    for (size_t r = 0; r < rows; r++) {
        const float *s = x + r * columns;
        float *d = y + r * columns;
        const float norm = sqrtf(sum_of_squares(s, columns));
        const float factor = sqrtf((float)columns) / (norm > 1e-12f ? norm : 1e-12f);
        for (size_t i = 0; i < columns; i++) d[i] = s[i] * factor * gamma[i];
        bias_activate_row(d, 0, d, columns, activation);
    }
}

INLINE void rotate_adjacent(float *x, const float *c, const float *s, size_t pairs) {
    for (size_t i = 0; i < pairs; i++) {
        const float re = x[2 * i], im = x[2 * i + 1];
        x[2 * i] = re * c[i] - im * s[i];
        x[2 * i + 1] = re * s[i] + im * c[i];
    }
}

INLINE void rotate_halves(float *x, const float *c, const float *s, size_t pairs) {
    for (size_t i = 0; i < pairs; i++) {
        const float first = x[i], second = x[i + pairs];
        x[i] = first * c[i] - second * s[i];
        x[i + pairs] = second * c[i] + first * s[i];
    }
}

KERNEL void mica_head_norm_rotary(float *x, const float *weight, float epsilon, const float *cosines, const float *sines, int halves,
                                  size_t rows, size_t heads, size_t size) {
    const size_t pairs = size / 2;
    for (size_t r = 0; r < rows; r++) {
        const float *c = cosines ? cosines + r * pairs : 0, *s = sines ? sines + r * pairs : 0;
        for (size_t h = 0; h < heads; h++) {
            float *v = x + (r * heads + h) * size;
            if (weight) {
                const float factor = 1.0f / sqrtf(sum_of_squares(v, size) / (float)size + epsilon);
                for (size_t i = 0; i < size; i++) v[i] = v[i] * factor * weight[i];
            }
            if (!c) continue;
            if (halves) rotate_halves(v, c, s, pairs);
            else rotate_adjacent(v, c, s, pairs);
        }
    }
}
