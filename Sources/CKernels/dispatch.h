// How the kernels are built for several kinds of CPU.
#pragma once
#include <math.h>
#include <string.h>
#include "CKernels.h"

// The resolvers run before a sanitizer has set itself up, so its builds get one body.
#if defined(__x86_64__) && !__has_feature(thread_sanitizer) && !__has_feature(address_sanitizer)
// One body, compiled three times; the loader picks the best one that the CPU has.
#define KERNEL __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define KERNEL
#endif

// Sums may be taken in any order (vector lanes) and products fused: without this a reduction stays scalar.
#define REORDER _Pragma("clang fp reassociate(on) contract(fast)")

// Inlined into each kernel, so that it is compiled for the same CPU.
#define INLINE static inline __attribute__((always_inline))

// exp(x) within 1 unit in the last place (a test measures 0.99) from -87.33 to 88.37, as code that vectorises; beyond, the value at
// that end, 1.2e-38 or 2.4e38, so that nothing overflows. NaN stays NaN.
INLINE float mica_expf(float x) {
    x = x < -87.33f ? -87.33f : (x > 88.37f ? 88.37f : x);
    const float n = nearbyintf(x * 1.44269504088896341f);
    // ln 2 in two parts, 0.693359375 - 0.000212194440, so that n * ln 2 loses nothing.
    const float r = fmaf(n, 2.12194440e-4f, fmaf(n, -0.693359375f, x));
    float p = 1.9875691500e-4f;
    p = fmaf(p, r, 1.3981999507e-3f);
    p = fmaf(p, r, 8.3334519073e-3f);
    p = fmaf(p, r, 4.1665795894e-2f);
    p = fmaf(p, r, 1.6666665459e-1f);
    p = fmaf(p, r, 5.0000001201e-1f);
    const float e = fmaf(p, r * r, r) + 1.0f;
    const int32_t bits = ((int32_t)n + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return e * power;
}

INLINE float mica_bf16(uint16_t bits) {
    const uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return value;
}

INLINE float mica_f16(uint16_t bits) {
    // Exponent and fraction moved into place and rescaled: exact, subnormal numbers included; infinities and NaN are put right after.
    const uint32_t sign = (uint32_t)(bits & 0x8000) << 16;
    const uint32_t rest = (uint32_t)(bits & 0x7fff);
    const uint32_t moved = rest << 13;
    float value;
    memcpy(&value, &moved, sizeof value);
    value *= 0x1p112f;
    uint32_t wide;
    memcpy(&wide, &value, sizeof wide);
    wide |= rest >= 0x7c00 ? 0x7f800000u : 0;
    wide |= sign;
    memcpy(&value, &wide, sizeof value);
    return value;
}
