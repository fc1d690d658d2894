#include "dispatch.h"

KERNEL void mica_widen_bf16(const uint16_t *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = mica_bf16(x[i]);
}

KERNEL void mica_widen_f16(const uint16_t *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = mica_f16(x[i]);
}

KERNEL void mica_exp(const float *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = mica_expf(x[i]);
}

KERNEL float mica_dot_bf16(const float *a, const uint16_t *b, size_t count) {
    REORDER
    float sum = 0;
    for (size_t i = 0; i < count; i++) sum += a[i] * mica_bf16(b[i]);
    return sum;
}

KERNEL float mica_dot_f16(const float *a, const uint16_t *b, size_t count) {
    REORDER
    float sum = 0;
    for (size_t i = 0; i < count; i++) sum += a[i] * mica_f16(b[i]);
    return sum;
}

KERNEL float mica_dot_f32(const float *a, const float *b, size_t count) {
    REORDER
    float sum = 0;
    for (size_t i = 0; i < count; i++) sum += a[i] * b[i];
    return sum;
}

KERNEL void mica_narrow_bf16(const float *x, uint16_t *y, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
        // Rounding may carry a NaN's fraction away: it gets a bit that stays.
        y[i] = (uint16_t)((bits & 0x7fffffff) > 0x7f800000 ? (bits >> 16) | 0x40 : rounded);
    }
}
