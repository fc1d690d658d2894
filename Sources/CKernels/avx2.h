// What the kernels for CPUs with AVX2 and nothing wider share.
#pragma once
#include "dispatch.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define AVX2_TARGET __attribute__((target("avx2,fma")))
#define AVX2_INLINE static inline __attribute__((always_inline)) AVX2_TARGET
#endif
