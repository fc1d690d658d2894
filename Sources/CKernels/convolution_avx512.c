#include "bf16.h"
#include "convolution_target.h"

// Convolutions without laying out patches, for CPUs with AVX-512; see convolution_rows.h.

#if defined(__x86_64__)

int mica_has_avx512(void) { return has_avx512(); }

BF16_TARGET void mica_pack_convolution_bf16(const float *weight, size_t outputs, size_t inputs, size_t time, size_t area,
                                            uint32_t *panels) {
    for (size_t n = 0; n < outputs; n += 32)
        for (size_t cell = 0; cell < area; cell++)
            for (size_t p = 0; p < inputs; p += 2, panels += 32)
                for (size_t j = 0; j < 32; j++) {
                    panels[j] = 0;
                    if (n + j >= outputs) continue;
                    const float *low = weight_at(weight, n + j, p, inputs, time, area, cell);
                    const float *high = weight_at(weight, n + j, p + 1, inputs, time, area, cell);
                    const __m128bh both = _mm_cvtneps_pbh(_mm_setr_ps(*low, *high, 0, 0));
                    panels[j] = (uint32_t)_mm_cvtsi128_si32((__m128i)both);
                }
}

static inline __attribute__((always_inline)) F32_TARGET void store_pixel(const Target *target, size_t pixel, size_t n,
                                                                         const __m512 sum[2]) {
    for (size_t part = 0; part < 2; part++) {
        const size_t first = n + part * 16;
        if (first >= target->outputs) return;
        const size_t left = target->outputs - first;
        const __mmask16 mask = left >= 16 ? 0xffff : (__mmask16)((1u << left) - 1);
        const size_t at = pixel * target->outputs + first;
        __m512 v = _mm512_add_ps(sum[part], _mm512_maskz_loadu_ps(mask, target->bias + first));
        if (target->addend) v = _mm512_add_ps(v, _mm512_maskz_loadu_ps(mask, target->addend + at));
        _mm512_mask_storeu_ps(target->output + at, mask, v);
    }
}

#define ROWS_NAME mica_convolve_rows_bf16
#define ROWS_UNIT uint32_t
#define ROWS_TARGET BF16_TARGET
#define ROWS_LANES 16
#define ROWS_PIXELS 12
#define ROWS_VECTOR __m512i
#define ROWS_LOAD(p) _mm512_loadu_si512(p)
#define ROWS_SUM __m512
#define ROWS_ZERO _mm512_setzero_ps()
#define ROWS_STEP(sum, unit, vector) bf16_multiply_add(sum, _mm512_set1_epi32((int)(unit)), vector)
#include "convolution_rows.h"

#define ROWS_NAME mica_convolve_rows_f32
#define ROWS_WINOGRAD mica_winograd_avx512
#define ROWS_UNIT float
#define ROWS_TARGET F32_TARGET
#define ROWS_LANES 16
#define ROWS_PIXELS 12
#define ROWS_VECTOR __m512
#define ROWS_LOAD(p) _mm512_loadu_ps(p)
#define ROWS_SUM __m512
#define ROWS_ZERO _mm512_setzero_ps()
#define ROWS_STEP(sum, unit, vector) _mm512_fmadd_ps(_mm512_set1_ps(unit), vector, sum)
#include "convolution_rows.h"

#else
int mica_has_avx512(void) { return 0; }
void mica_pack_convolution_bf16(const float *weight, size_t outputs, size_t inputs, size_t time, size_t area, uint32_t *panels) {
    __builtin_trap();
}
void mica_convolve_rows_bf16(const uint32_t *input, size_t input_width, size_t units, size_t kernel, size_t stride,
                             const uint32_t *panels, const float *bias, const float *addend, size_t rows, size_t width, size_t outputs,
                             float *output) {
    __builtin_trap();
}
void mica_convolve_rows_f32(const float *input, size_t input_width, size_t units, size_t kernel, size_t stride, const float *panels,
                            const float *bias, const float *addend, size_t rows, size_t width, size_t outputs, float *output) {
    __builtin_trap();
}
void mica_winograd_avx512_weight(const float *panel, size_t units, float *points, size_t point_stride) { __builtin_trap(); }
void mica_winograd_avx512_rows(const float *input, size_t input_width, size_t units, const float *points, const float *bias,
                               const float *addend, size_t rows, size_t width, size_t outputs, size_t block, float *scratch,
                               float *output) {
    __builtin_trap();
}
#endif
