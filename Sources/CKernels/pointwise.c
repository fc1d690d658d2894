#include "activations.h"

KERNEL void mica_bias_activate(const float *x, const float *bias, float *y, size_t rows, size_t columns, size_t stride, int activation) {
    for (size_t r = 0; r < rows; r++) bias_activate_row(x + r * stride, bias, y + r * stride, columns, activation);
}

// The width is known here, so that a row is four vectors and nothing else.
#define FINISH_ROWS(VALUE)                                                        \
    for (size_t r = 0; r < rows; r++, sums += MICA_PAIR_COLUMNS, y += stride) {   \
        float row[MICA_PAIR_COLUMNS];                                             \
        for (size_t i = 0; i < MICA_PAIR_COLUMNS; i++) {                          \
            const float x = sums[i] + biases[i];                                  \
            row[i] = VALUE;                                                       \
        }                                                                         \
        if (columns == MICA_PAIR_COLUMNS) memcpy(y, row, sizeof row);             \
        else memcpy(y, row, columns * sizeof(float));                             \
    }                                                                             \
    break;

KERNEL void mica_finish_panel(const float *restrict sums, const float *restrict bias, float *restrict y, size_t stride, size_t rows,
                              size_t columns, int activation) {
    float biases[MICA_PAIR_COLUMNS] = {0};
    if (bias) memcpy(biases, bias, columns * sizeof(float));
    switch (activation) {
    case MICA_SILU: FINISH_ROWS(x * mica_sigmoid(x))
    case MICA_GELU_TANH: FINISH_ROWS(mica_gelu_tanh(x))
    case MICA_GELU: FINISH_ROWS(mica_gelu(x))
    default: FINISH_ROWS(x)
    }
}

KERNEL void mica_silu_gate(const float *gate, const float *up, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = gate[i] * mica_sigmoid(gate[i]) * up[i];
}

KERNEL void mica_accumulate(float *target, const float *addend, const float *gate, size_t rows, size_t columns) {
    REORDER
    for (size_t r = 0; r < rows; r++) {
        float *t = target + r * columns;
        const float *a = addend + r * columns;
        if (gate) {
            for (size_t i = 0; i < columns; i++) t[i] += gate[i] * a[i];
        } else {
            for (size_t i = 0; i < columns; i++) t[i] += a[i];
        }
    }
}

KERNEL void mica_channel_affine(const float *x, const float *scale, const float *shift, float *y, size_t rows, size_t columns) {
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < columns; i++) y[r * columns + i] = x[r * columns + i] * scale[i] + shift[i];
}

KERNEL void mica_euler_step(float *latents, const float *prediction, float delta, size_t count) {
    for (size_t i = 0; i < count; i++) latents[i] += delta * prediction[i];
}

KERNEL void mica_guidance(const float *positive, const float *negative, float scale, int normalize, float *y, size_t rows, size_t columns) {
    REORDER
    for (size_t r = 0; r < rows; r++) {
        const float *p = positive + r * columns, *n = negative + r * columns;
        float *o = y + r * columns;
        float condition = 0, combined = 0;
        for (size_t i = 0; i < columns; i++) {
            const float c = n[i] + scale * (p[i] - n[i]);
            condition += p[i] * p[i];
            combined += c * c;
            o[i] = c;
        }
        if (normalize) {
            const float factor = sqrtf(condition) / sqrtf(combined);
            for (size_t i = 0; i < columns; i++) o[i] *= factor;
        }
    }
}
