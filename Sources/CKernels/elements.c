#include "stored.h"

KERNEL void mica_widen_bf16(const uint16_t *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = mica_bf16(x[i]);
}

KERNEL void mica_widen_f16(const uint16_t *x, float *y, size_t count) {
    for (size_t i = 0; i < count; i++) y[i] = mica_f16(x[i]);
}

void mica_prefetch(const void *bytes, size_t count) {
    for (size_t i = 0; i < count; i += 64) __builtin_prefetch((const char *)bytes + i);
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

KERNEL void mica_dot4_bf16(const float *a, const uint16_t *b, size_t stride, size_t count, float *sums) {
    REORDER
    float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    const uint16_t *const b1 = b + stride, *const b2 = b1 + stride, *const b3 = b2 + stride;
    for (size_t i = 0; i < count; i++) {
        s0 += a[i] * mica_bf16(b[i]);
        s1 += a[i] * mica_bf16(b1[i]);
        s2 += a[i] * mica_bf16(b2[i]);
        s3 += a[i] * mica_bf16(b3[i]);
    }
    sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
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
    for (size_t i = 0; i < count; i++) y[i] = mica_to_bf16(x[i]);
}
