// What the kernels that every CPU has make of numbers that are the same everywhere: a line a value, for two kinds of CPU to be compared.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "CKernels.h"
#include "CLayerFitting.h"

enum { COUNT = 1024, ROWS = 4, COLUMNS = 250, BLOCK_BYTES = 4 * 256 };

static uint32_t state = 1;
static uint32_t next(void) { return (state = state * 1664525 + 1013904223) >> 8; }

static float x[COUNT], w[COUNT], y[COUNT], z[COUNT];
static uint16_t halves[COUNT], narrow[COUNT];
static uint8_t bytes[COUNT], more[COUNT], some[COUNT];
static int32_t integers[COUNT];

// Other numbers for each kernel, whatever those before it did to theirs.
static void fill(void) {
    for (int i = 0; i < COUNT; i++) {
        x[i] = (float)((int)(next() % 20001) - 10000) / 2500.0f;
        w[i] = (float)((int)(next() % 20001) - 10000) / 5000.0f;
        y[i] = z[i] = 0;
        // No exponent of infinities, as bfloat16 and as float16.
        halves[i] = (uint16_t)(next() & 0xbbff);
        bytes[i] = (uint8_t)next();
        more[i] = (uint8_t)next();
        some[i] = 0;
        narrow[i] = 0;
        integers[i] = 0;
    }
}

static void show(const char *name, const float *values, size_t count) {
    for (size_t i = 0; i < count; i++) printf("%s %.9g\n", name, values[i]);
}
static void show_bytes(const char *name, const void *values, size_t count) {
    for (size_t i = 0; i < count; i++) printf("%s %d\n", name, ((const uint8_t *)values)[i]);
}
static void show_words(const char *name, const uint16_t *values, size_t count) {
    for (size_t i = 0; i < count; i++) printf("%s %d\n", name, values[i]);
}
static void show_one(const char *name, float value) { show(name, &value, 1); }

static void elements(void) {
    fill(); mica_widen_bf16(halves, y, COUNT); show("widen_bf16", y, COUNT);
    fill(); mica_widen_f16(halves, y, COUNT); show("widen_f16", y, COUNT);
    fill(); show_one("dot_bf16", mica_dot_bf16(x, halves, COUNT));
    fill(); mica_dot4_bf16(x, halves, COLUMNS, COLUMNS, y); show("dot4_bf16", y, 4);
    fill(); show_one("dot_f16", mica_dot_f16(x, halves, COUNT));
    fill(); show_one("dot_f32", mica_dot_f32(x, w, COUNT));
    fill(); mica_narrow_bf16(x, narrow, COUNT); show_words("narrow_bf16", narrow, COUNT);
    fill(); mica_exp(x, y, COUNT); show("exp", y, COUNT);
}

static void pointwise(void) {
    const size_t count = ROWS * COLUMNS;
    for (int kind = MICA_NONE; kind <= MICA_GELU; kind++) {
        fill(); mica_bias_activate(x, w, y, ROWS, COLUMNS, COLUMNS, kind); show("bias_activate", y, count);
        fill(); mica_finish_panel(x, w, y, 32, ROWS, 27, kind); show("finish_panel", y, ROWS * 32);
    }
    fill(); mica_silu_gate(x, w, y, COUNT); show("silu_gate", y, COUNT);
    fill(); mica_accumulate(x, w, w + 3, ROWS, COLUMNS - 3); show("accumulate", x, count);
    fill(); mica_channel_affine(x, w, w + COLUMNS, y, ROWS, COLUMNS); show("channel_affine", y, count);
    fill(); mica_euler_step(x, w, 0.37f, COUNT); show("euler_step", x, COUNT);
    for (int normalize = 0; normalize < 2; normalize++) {
        fill(); mica_guidance(x, w, 4, normalize, y, ROWS, COLUMNS); show("guidance", y, count);
    }
}

static void norms(void) {
    const size_t count = ROWS * COLUMNS, size = COLUMNS / 5;
    fill(); mica_layer_norm(x, w, w + COLUMNS, 1e-6f, y, ROWS, COLUMNS); show("layer_norm", y, count);
    fill(); mica_rms_norm(x, w, 1e-6f, y, ROWS, COLUMNS); show("rms_norm", y, count);
    fill(); mica_channel_norm(x, w, y, ROWS, COLUMNS, MICA_SILU); show("channel_norm", y, count);
    for (int pairing = 0; pairing < 2; pairing++) {
        fill(); mica_head_norm_rotary(x, w, 1e-6f, w + 100, w + 300, pairing, ROWS, 5, size); show("head_norm_rotary", x, count);
    }
}

static void attention(void) {
    const int32_t visible[ROWS] = {1, 7, 64, 250};
    float maximum[ROWS], sum[ROWS] = {0};
    for (int r = 0; r < ROWS; r++) maximum[r] = -INFINITY;
    for (int block = 0; block < 2; block++) {
        fill(); memcpy(z, w, sizeof z);
        mica_softmax_block(x, ROWS, COLUMNS, COLUMNS, 0.7f, block ? NULL : visible, maximum, sum, z, 20);
        show("softmax", x, ROWS * COLUMNS); show("softmax_kept", z, ROWS * 20);
        show("softmax_top", maximum, ROWS); show("softmax_sum", sum, ROWS);
    }
    fill(); mica_softmax_finish(x, 32, sum, y, ROWS, 20, 32); show("softmax_finish", y, ROWS * 32);
    fill(); mica_pack_row_panels(x, COLUMNS, 3, 20, 16, y); show("pack_row_panels", y, 16 * 20);
    fill(); mica_pack_column_panels(x, COLUMNS, 3, 20, 16, y); show("pack_column_panels", y, 2 * 3 * 16);
    fill(); mica_pack_convolution_f32(x, 5, 4, 3, 9, 16, y); show("pack_convolution", y, 9 * 4 * 16);
}

static void stored(void) {
    const size_t row = 250;
    fill(); mica_widen_e4m3(bytes, y, COUNT); show("widen_e4m3", y, COUNT);
    fill(); mica_widen_e5m2(bytes, y, COUNT); show("widen_e5m2", y, COUNT);
    fill(); mica_widen_s8((int8_t *)bytes, y, COUNT); show("widen_s8", y, COUNT);
    fill(); mica_widen_s4(bytes, halves, y, row); show("widen_s4", y, row);
    fill(); mica_narrow_f16(halves, narrow, COUNT); show_words("narrow_f16", narrow, COUNT);
    fill(); mica_narrow_e4m3(bytes, narrow, COUNT); show_words("narrow_e4m3", narrow, COUNT);
    fill(); mica_narrow_e5m2(bytes, narrow, COUNT); show_words("narrow_e5m2", narrow, COUNT);
    fill(); mica_narrow_s8((int8_t *)bytes, narrow, COUNT); show_words("narrow_s8", narrow, COUNT);
    fill(); mica_narrow_s4(bytes, halves, narrow, row); show_words("narrow_s4", narrow, row);
    fill(); for (int i = 0; i < COUNT; i++) bytes[i] &= 0xbb;
    show_one("dot_e4m3", mica_dot_e4m3(x, bytes, COUNT)); show_one("dot_e5m2", mica_dot_e5m2(x, bytes, COUNT));
    fill(); show_one("dot_s8", mica_dot_s8(x, (int8_t *)bytes, COUNT));
    fill(); show_one("dot_s4", mica_dot_s4(x, bytes, halves, row));
    for (int type = MICA_Q4_0; type <= MICA_IQ4_XS; type++) {
        const size_t count = type < MICA_Q2_K ? 128 : 768;
        // Scales are two bytes from an even one on: none is an infinity.
        fill(); for (int i = 1; i < COUNT; i += 2) bytes[i] &= 0xbb;
        mica_widen_blocks(type, bytes, y, count); show("widen_blocks", y, count);
        mica_narrow_blocks(type, bytes, narrow, count); show_words("narrow_blocks", narrow, count);
        show_one("dot_blocks", mica_dot_blocks(type, x, bytes, count));
    }
    fill(); mica_scale_columns(x, w, ROWS, COLUMNS, COLUMNS); show("scale_columns", x, ROWS * COLUMNS);
    fill(); mica_rotate(x, COUNT, 256); show("rotate", x, COUNT);
    fill(); x[500] = NAN; halves[700] = 0x7f80;
    show_one("not_finite", (float)mica_first_not_finite(x, COUNT));
    show_one("not_finite", (float)mica_first_not_finite_bf16(halves, COUNT));
}

static void rounded(void) {
    int32_t zero = 0, zeros[ROWS] = {3, -4, 5, 6};
    fill(); show_one("largest", mica_largest_magnitude(x, COUNT));
    fill(); show_one("quantize_s8", mica_quantize_row_s8(x, (int8_t *)some, COUNT)); show_bytes("quantize_s8", some, COUNT);
    fill(); show_one("quantize_e4m3", mica_quantize_row_e4m3(x, some, COUNT)); show_bytes("quantize_e4m3", some, COUNT);
    fill(); mica_quantize_row_s4(x, some, narrow, COLUMNS); show_bytes("quantize_s4", some, COLUMNS / 2);
    show_words("quantize_s4", narrow, 4);
    fill(); show_one("quantize_u8", mica_quantize_row_u8(x, some, COUNT, &zero)); show_bytes("quantize_u8", some, COUNT);
    show_one("quantize_u8", (float)zero);
    fill(); mica_sum_rows_s8((int8_t *)bytes, integers, ROWS, COLUMNS);
    for (int r = 0; r < ROWS; r++) show_one("sum_rows", (float)integers[r]);
    fill(); for (int i = 0; i < COUNT; i++) integers[i] = (int32_t)next() - (1 << 23);
    mica_dequantize_rows(integers, COLUMNS, w, zeros, x, integers, y, ROWS, COLUMNS, COLUMNS); show("dequantize", y, ROWS * COLUMNS);
}

static void pictures(void) {
    fill(); mica_im2col(x, 10, 12, 4, 3, 2, 1, 1, 6, 2, 20, y); show("im2col", y, 20 * 36);
    fill(); mica_upsample_nearest(x, 8, 4, 1, 4, y); show("upsample", y, COUNT);
}

// A stack of layers with edges, over a picture.
static void fitting(void) {
    enum { WIDTH = 24, HEIGHT = 8, LAYERS = 3, PIXELS = WIDTH * HEIGHT, FINE = 50 };
    static uint8_t picture[PIXELS * 4], guide[PIXELS * 4], alpha[LAYERS * PIXELS], layers[LAYERS * PIXELS * 4], result[LAYERS * PIXELS];
    static float model[2][LAYERS * FIT_MODEL_VALUES * WIDTH], widened[LAYERS * 4 * FINE];
    static uint8_t flags[2][LAYERS], constants[2][LAYERS], fine[LAYERS * FINE], fine_guide[FINE * 4], colors[LAYERS][FINE * 4];
    fill();
    for (int i = 0; i < PIXELS * 4; i++) picture[i] = (uint8_t)(i % 4 == 3 ? 255 : i % (WIDTH * 4) * 2 + next() % 16);
    for (int i = 0; i < LAYERS * PIXELS; i++) {
        const int column = i % WIDTH, edge = 6 + 5 * (i / PIXELS), step = 128 + 50 * (column - edge);
        alpha[i] = (uint8_t)(i < PIXELS ? 255 : step < 0 ? 0 : step > 255 ? 255 : step);
        for (int c = 0; c < 4; c++) layers[i * 4 + c] = c == 3 ? alpha[i] : (uint8_t)next();
    }
    fit_premultiply(picture, guide, PIXELS); show_bytes("fit_premultiply", guide, sizeof guide);
    fit_halve_row(picture, picture + WIDTH * 4, some, WIDTH - 1); show_bytes("fit_halve_row", some, WIDTH * 2);
    fit_area_row(picture, WIDTH, HEIGHT, 1.3, 3.1, 1.7, some, 14); show_bytes("fit_area_row", some, 14 * 4);
    const fit_level level = {WIDTH, HEIGHT, LAYERS, guide, alpha};
    for (int row = 0; row < HEIGHT; row++) fit_consistent_row(&level, layers, row, result);
    show_bytes("fit_consistent_row", result, sizeof result);
    for (int side = 0; side < 2; side++) {
        fit_model_row(&level, 3 + side, 1, model[side], flags[side], constants[side]);
        show("fit_model_row", model[side], LAYERS * FIT_MODEL_VALUES * WIDTH); show_bytes("fit_model_row", flags[side], LAYERS);
    }
    for (int i = 0; i < FINE; i++) memcpy(fine_guide + 4 * i, guide + 4 * (3 * WIDTH + i * WIDTH / FINE), 4);
    const fit_rows rows = {WIDTH, LAYERS, {model[0], model[1]}, {flags[0], flags[1]}, {constants[0], constants[1]}, 0.4f};
    fit_alpha_row(&rows, fine_guide, (double)WIDTH / FINE, fine, FINE, FINE); show_bytes("fit_alpha_row", fine, sizeof fine);
    fit_widen_row(layers, LAYERS, HEIGHT, WIDTH, 3, (double)WIDTH / FINE, widened, FINE); show("fit_widen_row", widened, LAYERS * 4 * FINE);
    uint8_t *const results[LAYERS] = {colors[0], colors[1], colors[2]};
    const fit_row row = {FINE, LAYERS, fine_guide, fine, FINE, {widened, widened, widened, widened}, {-0.06f, 0.56f, 0.56f, -0.06f},
                         4, 251};
    fit_color_row(&row, results); show_bytes("fit_color_row", colors, sizeof colors);
}

int main(void) {
    elements();
    pointwise();
    norms();
    attention();
    stored();
    rounded();
    pictures();
    fitting();
    return 0;
}
