#include "avx2.h"
#include "convolution_target.h"

#if defined(__x86_64__)

// Convolutions without laying out patches, for CPUs with AVX2; see convolution_rows.h.

int mica_has_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

AVX2_INLINE void store_pixel(const Target *target, size_t pixel, size_t n, const __m256 sum[2]) {
    for (size_t part = 0; part < 2; part++) {
        const size_t first = n + part * 8;
        if (first >= target->outputs) return;
        const size_t left = target->outputs - first, at = pixel * target->outputs + first;
        if (left >= 8) {
            __m256 v = _mm256_add_ps(sum[part], _mm256_loadu_ps(target->bias + first));
            if (target->addend) v = _mm256_add_ps(v, _mm256_loadu_ps(target->addend + at));
            _mm256_storeu_ps(target->output + at, v);
            continue;
        }
        float values[8];
        _mm256_storeu_ps(values, sum[part]);
        for (size_t i = 0; i < left; i++) {
            const float v = values[i] + target->bias[first + i];
            target->output[at + i] = target->addend ? v + target->addend[at + i] : v;
        }
    }
}

#define ROWS_NAME mica_convolve_rows_f32_avx2
#define ROWS_WINOGRAD mica_winograd_avx2
#define ROWS_UNIT float
#define ROWS_TARGET AVX2_TARGET
#define ROWS_LANES 8
#define ROWS_PIXELS 6
#define ROWS_VECTOR __m256
#define ROWS_LOAD(p) _mm256_loadu_ps(p)
#define ROWS_SUM __m256
#define ROWS_ZERO _mm256_setzero_ps()
#define ROWS_STEP(sum, unit, vector) _mm256_fmadd_ps(_mm256_set1_ps(unit), vector, sum)
#include "convolution_rows.h"

#else
int mica_has_avx2(void) { return 0; }
void mica_convolve_rows_f32_avx2(const float *input, size_t input_width, size_t units, size_t kernel, size_t stride, const float *panels,
                                 const float *bias, const float *addend, size_t rows, size_t width, size_t outputs, float *output) {
    __builtin_trap();
}
void mica_winograd_avx2_weight(const float *panel, size_t units, float *points, size_t point_stride) { __builtin_trap(); }
void mica_winograd_avx2_rows(const float *input, size_t input_width, size_t units, const float *points, const float *bias,
                             const float *addend, size_t rows, size_t width, size_t outputs, size_t block, float *scratch,
                             float *output) {
    __builtin_trap();
}
#endif
