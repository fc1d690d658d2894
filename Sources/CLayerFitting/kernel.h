// How the kernels are built for several kinds of CPU.
#pragma once
#include <math.h>
#include <string.h>
#include "CLayerFitting.h"

// The resolvers run before a sanitizer has set itself up, so its builds get one body.
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__x86_64__) && !__has_feature(thread_sanitizer) && !__has_feature(address_sanitizer)
#define KERNEL __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define KERNEL
#endif

#define INLINE static inline __attribute__((always_inline))

INLINE int fit_clamp(int value, int least, int most) { return value < least ? least : (value > most ? most : value); }
INLINE float fit_unit(float value) { return value < 0 ? 0 : (value > 1 ? 1 : value); }

// 0 up to `from`, 1 from `to` on, smooth between.
INLINE float fit_step(float value, float from, float to) {
    const float t = fit_unit((value - from) / (to - from));
    return t * t * (3 - 2 * t);
}
