#include "bf16.h"

#if defined(__x86_64__)

// Convolution without laying out patches: a tile of output pixels of one row times 32 output channels stays in registers while the
// taps and the pairs of input channels pass. Input pixels are read where they lie, in bfloat16, pairs broadcast; weights come in
// panels of 32 channels.

BF16_TARGET void mica_pack_convolution(const float *weight, size_t outputs, size_t inputs, size_t time, size_t area, uint32_t *panels) {
    const size_t pairs = inputs / 2;
    for (size_t n = 0; n < outputs; n += 32) {
        for (size_t cell = 0; cell < area; cell++) {
            for (size_t p = 0; p < pairs; p++, panels += 32) {
                for (size_t j = 0; j < 32; j++) {
                    panels[j] = 0;
                    if (n + j >= outputs) continue;
                    // The last time slice: with zeros in front of the one frame, no other meets data.
                    const float *plane = weight + (((n + j) * inputs + 2 * p) * time + time - 1) * area + cell;
                    const __m128bh both = _mm_cvtneps_pbh(_mm_setr_ps(plane[0], plane[time * area], 0, 0));
                    panels[j] = (uint32_t)_mm_cvtsi128_si32((__m128i)both);
                }
            }
        }
    }
}

// One tile: `columns` pixels of one output row, 32 channels from n on.
#define TILE(COLUMNS)                                                                                                                 \
    BF16_INLINE void tile_##COLUMNS(const uint32_t *input, size_t line, size_t step, size_t pairs, size_t kernel,                    \
                                    const uint32_t *panel, __m512 sum[COLUMNS][2]) {                                                 \
        for (int c = 0; c < COLUMNS; c++) sum[c][0] = sum[c][1] = _mm512_setzero_ps();                                               \
        for (size_t ky = 0; ky < kernel; ky++) {                                                                                     \
            const uint32_t *row = input + ky * line;                                                                                 \
            for (size_t q = 0; q < kernel * pairs; q++, panel += 32) {                                                               \
                const __m512i b0 = _mm512_loadu_si512(panel), b1 = _mm512_loadu_si512(panel + 16);                                   \
                _Pragma("clang loop unroll(full)") for (int c = 0; c < COLUMNS; c++) {                                               \
                    const __m512i word = _mm512_set1_epi32((int)row[c * step + q]);                                                  \
                    sum[c][0] = bf16_multiply_add(sum[c][0], word, b0);                                                              \
                    sum[c][1] = bf16_multiply_add(sum[c][1], word, b1);                                                              \
                }                                                                                                                    \
            }                                                                                                                        \
        }                                                                                                                            \
    }
TILE(12)
TILE(4)
TILE(1)

typedef struct {
    const float *bias, *addend;
    float *output;
    size_t outputs;
} Target;

// Bias and addend, then the channels n ..< outputs of one pixel.
BF16_INLINE void store_pixel(const Target *target, size_t pixel, size_t n, const __m512 sum[2]) {
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

#define RUN(COLUMNS)                                                                                                                  \
    for (; x + COLUMNS <= width; x += COLUMNS) {                                                                                      \
        __m512 sum[COLUMNS][2];                                                                                                       \
        tile_##COLUMNS(line_start + x * step, line, step, pairs, kernel, panel, sum);                                                 \
        for (size_t c = 0; c < COLUMNS; c++) store_pixel(&target, y * width + x + c, n, sum[c]);                                      \
    }

BF16_TARGET void mica_convolve_rows_bf16(const uint16_t *input, size_t input_width, size_t channels, size_t kernel, size_t stride,
                                         const uint32_t *panels, const float *bias, const float *addend, size_t rows, size_t width,
                                         size_t outputs, float *output) {
    const size_t pairs = channels / 2, line = input_width * pairs, step = stride * pairs;
    const Target target = {bias, addend, output, outputs};
    for (size_t n = 0; n < outputs; n += 32) {
        const uint32_t *panel = panels + n / 32 * kernel * kernel * pairs * 32;
        for (size_t y = 0; y < rows; y++) {
            const uint32_t *line_start = (const uint32_t *)input + y * stride * line;
            size_t x = 0;
            RUN(12)
            RUN(4)
            RUN(1)
        }
    }
}

#else
void mica_pack_convolution(const float *weight, size_t outputs, size_t inputs, size_t time, size_t area, uint32_t *panels) {
    __builtin_trap();
}
void mica_convolve_rows_bf16(const uint16_t *input, size_t input_width, size_t channels, size_t kernel, size_t stride,
                             const uint32_t *panels, const float *bias, const float *addend, size_t rows, size_t width, size_t outputs,
                             float *output) {
    __builtin_trap();
}
#endif
