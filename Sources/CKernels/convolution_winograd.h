// 3x3 convolutions with stride 1 by Winograd's F(2x2, 3x3): 16 products make four outputs where the sum of taps takes 36. Included by
// convolution_rows.h, with its names. The transforms of input and output add and subtract only; that of the weight also halves.
//
// The method: A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks" (2015).

#define WINOGRAD(name) ROWS_PASTE(ROWS_WINOGRAD, name)
#define STORE(p, v) memcpy(p, &(v), sizeof(ROWS_SUM))

// One vector of a panel's lanes and one input channel: G g G'.
static inline __attribute__((always_inline)) ROWS_TARGET void WINOGRAD(weight_lanes)(const float *taps, size_t tap_stride,
                                                                                     float *points, size_t point_stride) {
    ROWS_SUM g[4][3];
    for (size_t j = 0; j < 3; j++) {
        const ROWS_SUM top = ROWS_LOAD(taps + j * tap_stride), middle = ROWS_LOAD(taps + (3 + j) * tap_stride);
        const ROWS_SUM bottom = ROWS_LOAD(taps + (6 + j) * tap_stride), outer = top + bottom;
        g[0][j] = top;
        g[1][j] = (outer + middle) * 0.5f;
        g[2][j] = (outer - middle) * 0.5f;
        g[3][j] = bottom;
    }
    for (size_t i = 0; i < 4; i++, points += 4 * point_stride) {
        const ROWS_SUM outer = g[i][0] + g[i][2];
        const ROWS_SUM plus = (outer + g[i][1]) * 0.5f, minus = (outer - g[i][1]) * 0.5f;
        STORE(points, g[i][0]);
        STORE(points + point_stride, plus);
        STORE(points + 2 * point_stride, minus);
        STORE(points + 3 * point_stride, g[i][2]);
    }
}

ROWS_TARGET void WINOGRAD(weight)(const float *panel, size_t units, float *points, size_t point_stride) {
    for (size_t q = 0; q < units * 2 * ROWS_LANES; q += ROWS_LANES)
        WINOGRAD(weight_lanes)(panel + q, units * 2 * ROWS_LANES, points + q, point_stride);
}

// B' d B of the 4x4 pixels at `input`, `units` channels each, a multiple of ROWS_LANES.
static inline __attribute__((always_inline)) ROWS_TARGET void WINOGRAD(input_tile)(const float *input, size_t line, size_t units,
                                                                                   float *points, size_t point_stride) {
    for (size_t q = 0; q < units; q += ROWS_LANES) {
        ROWS_SUM d[4][4];
        _Pragma("clang loop unroll(full)") for (size_t j = 0; j < 4; j++) {
            const float *column = input + j * units + q;
            const ROWS_SUM a = ROWS_LOAD(column), b = ROWS_LOAD(column + line);
            const ROWS_SUM c = ROWS_LOAD(column + 2 * line), e = ROWS_LOAD(column + 3 * line);
            d[0][j] = a - c;
            d[1][j] = b + c;
            d[2][j] = c - b;
            d[3][j] = b - e;
        }
        float *at = points + q;
        _Pragma("clang loop unroll(full)") for (size_t i = 0; i < 4; i++, at += 4 * point_stride) {
            const ROWS_SUM first = d[i][0] - d[i][2], second = d[i][1] + d[i][2];
            const ROWS_SUM third = d[i][2] - d[i][1], fourth = d[i][1] - d[i][3];
            STORE(at, first);
            STORE(at + point_stride, second);
            STORE(at + 2 * point_stride, third);
            STORE(at + 3 * point_stride, fourth);
        }
    }
}

// A' m A of two vectors of outputs: the four pixels of a tile.
static inline __attribute__((always_inline)) ROWS_TARGET void WINOGRAD(output_tile)(const float *sums, size_t point_stride,
                                                                                    ROWS_SUM pixels[4][2]) {
    for (size_t part = 0; part < 2; part++) {
        ROWS_SUM m[2][4];
        _Pragma("clang loop unroll(full)") for (size_t j = 0; j < 4; j++) {
            const float *column = sums + j * point_stride + part * ROWS_LANES;
            const ROWS_SUM b = ROWS_LOAD(column + 4 * point_stride), c = ROWS_LOAD(column + 8 * point_stride);
            m[0][j] = ROWS_LOAD(column) + b + c;
            m[1][j] = b - c - ROWS_LOAD(column + 12 * point_stride);
        }
        for (size_t i = 0; i < 2; i++) {
            pixels[2 * i][part] = m[i][0] + m[i][1] + m[i][2];
            pixels[2 * i + 1][part] = m[i][1] - m[i][2] - m[i][3];
        }
    }
}

#define RUN(COLUMNS)                                                                                                                 \
    for (; t + COLUMNS <= tiles; t += COLUMNS) {                                                                                     \
        ROWS_SUM sum[COLUMNS][2];                                                                                                    \
        ROWS_TILE(COLUMNS)(rows + t * units, 0, units, units, 1, panel, sum);                                                        \
        _Pragma("clang loop unroll(full)") for (size_t c = 0; c < COLUMNS; c++) {                                                    \
            STORE(sums + (t + c) * padded, sum[c][0]);                                                                               \
            STORE(sums + (t + c) * padded + ROWS_LANES, sum[c][1]);                                                                  \
        }                                                                                                                            \
    }

// sums [tiles, padded] = rows [tiles, units] * panels [padded / width, units, width]
static ROWS_TARGET void WINOGRAD(multiply)(const float *rows, size_t tiles, size_t units, const float *panels, size_t padded,
                                           float *sums) {
    for (size_t n = 0; n < padded; n += 2 * ROWS_LANES, sums += 2 * ROWS_LANES) {
        const float *panel = panels + n * units;
        size_t t = 0;
        RUN(ROWS_PIXELS)
        RUN(4)
        RUN(1)
    }
}
#undef RUN

ROWS_TARGET void WINOGRAD(rows)(const float *input, size_t input_width, size_t units, const float *points, const float *bias,
                                const float *addend, size_t rows, size_t width, size_t outputs, size_t block, float *scratch,
                                float *output) {
    const size_t columns = (width + 1) / 2, tiles = (rows + 1) / 2 * columns, line = input_width * units;
    const size_t padded = (outputs + 2 * ROWS_LANES - 1) / (2 * ROWS_LANES) * (2 * ROWS_LANES);
    const Target target = {bias, addend, output, outputs};
    // The points of a tile would fall into one set of the cache if they lay a power of two apart.
    const size_t input_stride = block * units + MICA_WINOGRAD_GAP, product_stride = block * padded + MICA_WINOGRAD_GAP;
    float *products = scratch + 16 * input_stride;
    for (size_t first = 0; first < tiles; first += block) {
        const size_t count = tiles - first < block ? tiles - first : block;
        for (size_t t = 0; t < count; t++) {
            const size_t y = (first + t) / columns * 2, x = (first + t) % columns * 2;
            WINOGRAD(input_tile)(input + y * line + x * units, line, units, scratch + t * units, input_stride);
        }
        for (size_t point = 0; point < 16; point++)
            WINOGRAD(multiply)(scratch + point * input_stride, count, units, points + point * padded * units, padded,
                               products + point * product_stride);
        for (size_t t = 0; t < count; t++) {
            const size_t y = (first + t) / columns * 2, x = (first + t) % columns * 2;
            for (size_t n = 0; n < outputs; n += 2 * ROWS_LANES) {
                ROWS_SUM pixels[4][2];
                WINOGRAD(output_tile)(products + t * padded + n, product_stride, pixels);
                for (size_t i = 0; i < 4; i++)
                    if (y + i / 2 < rows && x + i % 2 < width)
                        store_pixel(&target, (y + i / 2) * width + x + i % 2, n, pixels[i]);
            }
        }
    }
}
#undef WINOGRAD
#undef STORE
