// The pointwise functions of `Activation`, for the kernels that end with one.
#pragma once
#include "dispatch.h"

INLINE float mica_sigmoid(float x) { return 1.0f / (1.0f + mica_expf(-x)); }

INLINE float mica_gelu_tanh(float x) {
    // (1 + tanh u) / 2 is 1 / (1 + exp(-2u)): nothing cancels where tanh is nearly -1.
    const float u = 0.7978845608028654f * (x + 0.044715f * x * x * x);
    return x / (1.0f + mica_expf(-2.0f * u));
}

INLINE float mica_gelu(float x) { return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f)); }

// One row of y = activation(x + bias); the switch stands outside of the loops so that each loop vectorises.
INLINE void bias_activate_row(const float *x, const float *bias, float *y, size_t columns, int activation) {
    const float *source = x;
    if (bias) {
        for (size_t i = 0; i < columns; i++) y[i] = x[i] + bias[i];
        source = y;
    }
    switch (activation) {
    case MICA_SILU:
        for (size_t i = 0; i < columns; i++) y[i] = source[i] * mica_sigmoid(source[i]);
        break;
    case MICA_GELU_TANH:
        for (size_t i = 0; i < columns; i++) y[i] = mica_gelu_tanh(source[i]);
        break;
    case MICA_GELU:
        for (size_t i = 0; i < columns; i++) y[i] = mica_gelu(source[i]);
        break;
    default:
        if (source != y) memcpy(y, source, columns * sizeof(float));
    }
}
