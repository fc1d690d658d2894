// The convolution of some rows, once for each type of operand and set of instructions. Included with these defined:
//   ROWS_NAME      the function's name
//   ROWS_UNIT      a unit of the input: a word of two bfloat16 channels, or a float channel
//   ROWS_TARGET    the instructions that it is compiled for
//   ROWS_LANES     units of a vector
//   ROWS_PIXELS    output pixels of the widest tile, whose 2 * ROWS_PIXELS sums stay in registers
//   ROWS_VECTOR    ROWS_LANES units of a panel
//   ROWS_LOAD(p)   loads them
//   ROWS_SUM       ROWS_LANES sums
//   ROWS_ZERO      sums of nothing
//   ROWS_STEP(sum, unit, vector)   sum + unit * vector
//   ROWS_WINOGRAD  optional, for float units: the name of the functions in convolution_winograd.h
// and with a function store_pixel (its type is in convolution_target.h) for two vectors of sums.
//
// A tile of output pixels of one row times two vectors of output channels stays in registers while the taps and the input's units pass.
// Input pixels are read where they lie, broadcast; weights come in panels of two vectors of channels.

#define ROWS_JOIN(a, b) a##_##b
#define ROWS_PASTE(a, b) ROWS_JOIN(a, b)
#define ROWS_TILE(COLUMNS) ROWS_PASTE(ROWS_PASTE(ROWS_NAME, tile), COLUMNS)

#define TILE(COLUMNS)                                                                                                                 \
    static inline __attribute__((always_inline)) ROWS_TARGET void ROWS_TILE(COLUMNS)(                                                \
        const ROWS_UNIT *input, size_t line, size_t step, size_t units, size_t kernel, const ROWS_UNIT *panel,                       \
        ROWS_SUM sum[COLUMNS][2]) {                                                                                                  \
        _Pragma("clang loop unroll(full)") for (int c = 0; c < COLUMNS; c++) sum[c][0] = sum[c][1] = ROWS_ZERO;                      \
        for (size_t ky = 0; ky < kernel; ky++) {                                                                                     \
            const ROWS_UNIT *row = input + ky * line;                                                                                \
            for (size_t q = 0; q < kernel * units; q++, panel += 2 * ROWS_LANES) {                                                   \
                const ROWS_VECTOR b0 = ROWS_LOAD(panel), b1 = ROWS_LOAD(panel + ROWS_LANES);                                         \
                _Pragma("clang loop unroll(full)") for (int c = 0; c < COLUMNS; c++) {                                               \
                    sum[c][0] = ROWS_STEP(sum[c][0], row[c * step + q], b0);                                                         \
                    sum[c][1] = ROWS_STEP(sum[c][1], row[c * step + q], b1);                                                         \
                }                                                                                                                    \
            }                                                                                                                        \
        }                                                                                                                            \
    }
TILE(ROWS_PIXELS)
TILE(4)
TILE(1)
#undef TILE

#define RUN(COLUMNS)                                                                                                                  \
    for (; x + COLUMNS <= width; x += COLUMNS) {                                                                                      \
        ROWS_SUM sum[COLUMNS][2];                                                                                                     \
        ROWS_TILE(COLUMNS)(line_start + x * step, line, step, units, kernel, panel, sum);                                             \
        _Pragma("clang loop unroll(full)") for (size_t c = 0; c < COLUMNS; c++) store_pixel(&target, y * width + x + c, n, sum[c]);   \
    }

ROWS_TARGET void ROWS_NAME(const ROWS_UNIT *input, size_t input_width, size_t units, size_t kernel, size_t stride,
                           const ROWS_UNIT *panels, const float *bias, const float *addend, size_t rows, size_t width, size_t outputs,
                           float *output) {
    const size_t line = input_width * units, step = stride * units;
    const Target target = {bias, addend, output, outputs};
    for (size_t n = 0; n < outputs; n += 2 * ROWS_LANES) {
        const ROWS_UNIT *panel = panels + n * kernel * kernel * units;
        for (size_t y = 0; y < rows; y++) {
            const ROWS_UNIT *line_start = input + y * stride * line;
            size_t x = 0;
            RUN(ROWS_PIXELS)
            RUN(4)
            RUN(1)
        }
    }
}
#undef RUN
#ifdef ROWS_WINOGRAD
#include "convolution_winograd.h"
#undef ROWS_WINOGRAD
#endif
#undef ROWS_JOIN
#undef ROWS_PASTE
#undef ROWS_TILE
#undef ROWS_NAME
#undef ROWS_UNIT
#undef ROWS_TARGET
#undef ROWS_LANES
#undef ROWS_PIXELS
#undef ROWS_VECTOR
#undef ROWS_LOAD
#undef ROWS_SUM
#undef ROWS_ZERO
#undef ROWS_STEP
