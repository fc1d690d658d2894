// Row kernels of LayerFitting, in C so that the compiler vectorises them for each kind of CPU; the kind is chosen at run time.
// Planes and pictures are row-major, 8 bits a value; pictures are RGBA. Nothing here allocates.
#pragma once
#include <stddef.h>
#include <stdint.h>

// The most layers of a stack.
enum { FIT_MAX_LAYERS = 16 };
// Values of a fitted row for each layer: four slopes, an offset and the alpha's local range, a row of floats each.
enum { FIT_MODEL_VALUES = 6 };
// Coarse pixels for which one flag says how much there is to do.
enum { FIT_BLOCK = 64 };
// What a flag says: alpha is constant, changes smoothly, or has an edge.
enum { FIT_CONSTANT = 0, FIT_SMOOTH = 1, FIT_EDGE = 2 };

// A picture and its layers' alpha at one size.
typedef struct {
    int width, height, layers;
    // [height, width, 4], colours premultiplied.
    const uint8_t *guide;
    // [layers, height, width].
    const uint8_t *alpha;
} fit_level;

// --- the guide -----------------------------------------------------------------------------------------------------------------
// y = x with its colours multiplied by alpha, rounded.
void fit_premultiply(const uint8_t *x, uint8_t *y, size_t pixels);
// One row of the picture at half the size: the mean of two pixels of each of two rows, which are the same row at an odd bottom.
// `y` has (width + 1) / 2 pixels; the last column of an odd width stands for itself.
void fit_halve_row(const uint8_t *upper, const uint8_t *lower, uint8_t *y, int width);
// One row of the picture at the model's size by area: pixel i covers `scale_x` columns of x from i * scale_x, and rows
// top ..< bottom; beyond the edges the last pixel counts. x is [height, width, 4].
void fit_area_row(const uint8_t *x, int width, int height, double top, double bottom, double scale_x, uint8_t *y, int columns);

// Row `row` of the model's alpha, moved at edges so that the layers [layers, height, width, 4], straight RGBA with the alpha of `level`,
// come nearer to the picture: a VAE blurs alpha more than the picture is. `result` is [layers, height, width]; colours of the layers
// and the lowest layer's alpha are taken as they are.
void fit_consistent_row(const fit_level *level, const uint8_t *layers, int row, uint8_t *result);

// --- alpha ---------------------------------------------------------------------------------------------------------------------
// For each pixel of row `row` the linear model alpha = slopes * guide + offset of its (2 * radius + 1)^2 surroundings, and the range
// that alpha has there: `model` is [layers, FIT_MODEL_VALUES, width], written where `flags` [layers, blocks] is not FIT_CONSTANT.
// Where alpha hardly changes the slopes are 0 and the offset is alpha. radius is 1 or 2. `constants` [layers, blocks] holds the alpha
// of constant blocks.
void fit_model_row(const fit_level *level, int row, int radius, float *model, uint8_t *flags, uint8_t *constants);

// Two rows of a model and where between them a finer row lies.
typedef struct {
    int width, layers;
    float *model[2];
    const uint8_t *flags[2], *constants[2];
    float share;
} fit_rows;

// One row of finer alpha, [layers] planes `plane` values apart: the model between its rows and columns, on the finer guide. Pixel i
// lies at (i + 0.5) * scale_x - 0.5 of the model's row.
void fit_alpha_row(const fit_rows *rows, const uint8_t *guide, double scale_x, uint8_t *alpha, size_t plane, int width);

// --- colour --------------------------------------------------------------------------------------------------------------------
// A row of model layers [layers, height, width, 4] brought to `columns` pixels by cubic interpolation, alpha times colour and alpha:
// y is [layers, 4, columns]. Pixel i lies at (i + 0.5) * scale_x - 0.5.
void fit_widen_row(const uint8_t *layers, int count, int height, int width, int row, double scale_x, float *y, int columns);

// What a row of results is made of.
typedef struct {
    int width, layers;
    // The picture's row, straight RGBA.
    const uint8_t *picture;
    // [layers] rows of alpha, `plane` apart.
    uint8_t *alpha;
    size_t plane;
    // Four rows of fit_widen_row and their weights.
    const float *widened[4];
    float weights[4];
    // Alpha below `empty` becomes 0, alpha above `opaque` 255.
    int empty, opaque;
} fit_row;

// Writes the row of each layer, straight RGBA, to results[k]: alpha settled so that the stack's is the picture's, colours solved so that
// source-over of the stack gives the picture.
void fit_color_row(const fit_row *row, uint8_t *const *results);
