// The instructions of AVX-512, and whether this CPU has them. MICA_AVX512_EMULATED names a header that does them in C
// (tools/avx512/emulated.h), so that what is written for them is tested on CPUs without them, too.
#pragma once
#include "dispatch.h"

#if defined(__x86_64__) && defined(MICA_AVX512_EMULATED)
#include MICA_AVX512_EMULATED
#define AVX512_TARGET(FEATURES)
#define AVX512_HAS(FEATURE) 1
#elif defined(__x86_64__)
#include <immintrin.h>
#define AVX512_TARGET(FEATURES) __attribute__((target(FEATURES)))
#define AVX512_HAS(FEATURE) __builtin_cpu_supports(FEATURE)
#endif

#if defined(__x86_64__)
#define F32_TARGET AVX512_TARGET("avx512f,avx512bw,avx512vl,avx512dq,fma")
#define BF16_TARGET AVX512_TARGET("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,fma")
#define S8_TARGET AVX512_TARGET("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,fma")

// What all of them want.
INLINE int has_avx512(void) {
    return AVX512_HAS("avx512f") && AVX512_HAS("avx512bw") && AVX512_HAS("avx512vl") && AVX512_HAS("avx512dq");
}
#endif
