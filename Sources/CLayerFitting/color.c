// The colours of a stack that is to give a picture: where one layer is all that is seen its colour is the picture's, where several are
// seen the model's colours are moved as little as makes their mixture the picture's, and what is hidden keeps the model's.
#include "kernel.h"

// Colours count a little even where the model's alpha is 0: only they are there to be had.
static const float least_weight = 1.0f / 1024;

// Catmull-Rom weights of the four pixels around a place `t` after the second of them.
INLINE void cubic_weights(float t, float *weights) {
    weights[0] = ((-0.5f * t + 1) * t - 0.5f) * t;
    weights[1] = (1.5f * t - 2.5f) * t * t + 1;
    weights[2] = ((-1.5f * t + 2) * t + 0.5f) * t;
    weights[3] = (0.5f * t - 0.5f) * t * t;
}

KERNEL void fit_widen_row(const uint8_t *layers, int count, int height, int width, int row, double scale_x, float *y, int columns) {
    for (int i = 0; i < columns; i++) {
        const double place = (i + 0.5) * scale_x - 0.5;
        const int base = (int)floor(place);
        float weights[4];
        cubic_weights((float)(place - base), weights);
        for (int layer = 0; layer < count; layer++) {
            const uint8_t *source = layers + (((size_t)layer * height) + row) * width * 4;
            float sums[4] = {0};
            for (int tap = 0; tap < 4; tap++) {
                const uint8_t *pixel = source + 4 * (size_t)fit_clamp(base - 1 + tap, 0, width - 1);
                const float share = weights[tap] * (pixel[3] * (1 / 255.0f) + least_weight);
                for (int c = 0; c < 3; c++) sums[c] += share * pixel[c];
                sums[3] += share;
            }
            for (int c = 0; c < 4; c++) y[((size_t)layer * 4 + c) * columns + i] = sums[c];
        }
    }
}

// The model's colour of one layer at column x, 0...255.
INLINE void model_color(const fit_row *row, int layer, int x, float *color) {
    float sums[4] = {0};
    for (int tap = 0; tap < 4; tap++) {
        const float *values = row->widened[tap] + (size_t)layer * 4 * row->width + x;
        for (int c = 0; c < 4; c++) sums[c] += row->weights[tap] * values[(size_t)c * row->width];
    }
    // Cubic weights are negative at the sides: around lone pixels the sum may vanish.
    const float scale = sums[3] > least_weight * 0.25f ? 1 / sums[3] : 0;
    for (int c = 0; c < 3; c++) {
        const float value = sums[c] * scale;
        color[c] = scale == 0 ? -1 : (value < 0 ? 0 : (value > 255 ? 255 : value));
    }
}

// Makes the stack's alpha the picture's: no layer lets through less than the picture does, and one of them, which is seen anyway,
// takes what is missing. `alpha` is of one pixel, bottom first.
static void settle_alpha(uint8_t *alpha, int layers, int picture) {
    if (picture == 0) {
        memset(alpha, 0, (size_t)layers);
        return;
    }
    const float clear = 1 - picture * (1 / 255.0f);
    float through = 1, most = 0;
    int chosen = 0, lowest = -1;
    for (int k = layers - 1; k >= 0; k--) {
        const float limit = through > 0 ? 255 * (1 - clear / through) : 255;
        if (alpha[k] > limit) alpha[k] = (uint8_t)(limit < 0 ? 0 : limit);
        const float seen = through * alpha[k];
        if (seen > most) {
            most = seen;
            chosen = k;
        }
        if (alpha[k] >= 64) lowest = k;
        through *= 1 - alpha[k] * (1 / 255.0f);
    }
    if (fabsf(through - clear) * 255 < 0.25f) return;
    // Under an opaque picture the lowest layer closes the gap, so that soft edges above it stay soft.
    if (picture == 255) chosen = lowest >= 0 ? lowest : 0;
    float others = 1;
    for (int k = 0; k < layers; k++) {
        if (k != chosen) others *= 1 - alpha[k] * (1 / 255.0f);
    }
    const float needed = others > 0 ? 255 * (1 - clear / others) : 255;
    alpha[chosen] = (uint8_t)(fit_clamp((int)(needed + 0.5f), 0, 255));
}

// Moves the colours of the seen layers along their shares until they mix to `wanted`, staying inside 0...255, and rounds them, the
// most seen layer last, so that it takes the others' errors.
static void solve_channel(float *colors, const float *seen, int layers, float wanted, uint8_t *rounded) {
    int is_free[FIT_MAX_LAYERS], largest = 0;
    for (int k = 0; k < layers; k++) {
        is_free[k] = seen[k] > 0;
        if (seen[k] > seen[largest]) largest = k;
    }
    for (int round = 0; round <= layers; round++) {
        float missing = wanted, squares = 0;
        for (int k = 0; k < layers; k++) {
            missing -= seen[k] * colors[k];
            if (is_free[k]) squares += seen[k] * seen[k];
        }
        if (fabsf(missing) < 1e-3f || squares == 0) break;
        const float step = missing / squares;
        for (int k = 0; k < layers; k++) {
            if (!is_free[k]) continue;
            colors[k] += step * seen[k];
            if (colors[k] >= 0 && colors[k] <= 255) continue;
            colors[k] = colors[k] < 0 ? 0 : 255;
            is_free[k] = 0;
        }
    }
    float rest = wanted;
    for (int k = 0; k < layers; k++) {
        if (k == largest) continue;
        rounded[k] = (uint8_t)(colors[k] + 0.5f);
        rest -= seen[k] * rounded[k];
    }
    const float last = rest / seen[largest];
    rounded[largest] = (uint8_t)(last < 0 ? 0 : (last > 255 ? 255 : last + 0.5f));
}

static void mix_pixel(const fit_row *row, int x, const uint8_t *alpha, const float *seen, uint8_t *const *results) {
    float colors[3][FIT_MAX_LAYERS] = {{0}};
    const uint8_t *wanted = row->picture + 4 * (size_t)x;
    for (int k = 0; k < row->layers; k++) {
        if (alpha[k] == 0) continue;
        float color[3];
        model_color(row, k, x, color);
        for (int c = 0; c < 3; c++) colors[c][k] = color[c] < 0 ? wanted[c] : color[c];
    }
    for (int c = 0; c < 3; c++) {
        uint8_t rounded[FIT_MAX_LAYERS] = {0};
        solve_channel(colors[c], seen, row->layers, wanted[c], rounded);
        for (int k = 0; k < row->layers; k++) results[k][4 * (size_t)x + c] = alpha[k] == 0 ? 0 : rounded[k];
    }
}

// A pixel of which one layer is all that is seen.
static void plain_pixel(const fit_row *row, int x, const uint8_t *alpha, int top, uint8_t *const *results) {
    for (int k = 0; k < row->layers; k++) {
        uint8_t *target = results[k] + 4 * (size_t)x;
        if (k == top) {
            memcpy(target, row->picture + 4 * (size_t)x, 3);
        } else if (alpha[k] == 0) {
            memset(target, 0, 3);
        } else {
            float color[3];
            model_color(row, k, x, color);
            for (int c = 0; c < 3; c++) target[c] = color[c] < 0 ? row->picture[4 * x + c] : (uint8_t)(color[c] + 0.5f);
        }
    }
}

static void fit_pixel(const fit_row *row, int x, uint8_t *const *results) {
    uint8_t alpha[FIT_MAX_LAYERS];
    float seen[FIT_MAX_LAYERS], through = 1;
    for (int k = 0; k < row->layers; k++) {
        const uint8_t value = row->alpha[(size_t)k * row->plane + x];
        alpha[k] = value < row->empty ? 0 : (value > row->opaque ? 255 : value);
    }
    settle_alpha(alpha, row->layers, row->picture[4 * (size_t)x + 3]);
    int count = 0, top = -1;
    for (int k = row->layers - 1; k >= 0; k--) {
        seen[k] = through * alpha[k] * (1 / 255.0f);
        through *= 1 - alpha[k] * (1 / 255.0f);
        results[k][4 * (size_t)x + 3] = alpha[k];
        if (seen[k] == 0) continue;
        count++;
        if (top < 0) top = k;
    }
    if (count <= 1) {
        plain_pixel(row, x, alpha, top, results);
        return;
    }
    const float scale = 1 / (1 - through);
    for (int k = 0; k < row->layers; k++) seen[k] *= scale;
    mix_pixel(row, x, alpha, seen, results);
}

void fit_color_row(const fit_row *row, uint8_t *const *results) {
    for (int x = 0; x < row->width; x++) fit_pixel(row, x, results);
}
