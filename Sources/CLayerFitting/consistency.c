// Alpha at the model's own size, made to agree with the picture at that size.
#include "kernel.h"

// Differences of colour below this count as the model's inaccuracy, in levels of 255.
static const float inaccuracy = 20;
// How far an alpha may move, and the ranges around it from which it is part of an edge, and in full: a soft edge is taken as it is.
static const float largest_move = 0.5f;
static const float edge_from = 0.1f, edge_to = 0.35f;
enum { ROUNDS = 2 };

// The range of a layer's alpha in the 3 x 3 pixels around (x, y).
static int range_around(const fit_level *level, int layer, int x, int y) {
    int least = 255, most = 0;
    for (int row = y - 1; row <= y + 1; row++) {
        const uint8_t *alpha = level->alpha + ((size_t)layer * level->height + fit_clamp(row, 0, level->height - 1)) * level->width;
        for (int column = x - 1; column <= x + 1; column++) {
            const int value = alpha[fit_clamp(column, 0, level->width - 1)];
            least = value < least ? value : least;
            most = value > most ? value : most;
        }
    }
    return most - least;
}

// How much more of layer k the picture wants: the difference between picture and stack, projected on what the layer's alpha changes.
static float missing_share(const float (*colors)[4], const float *alpha, int layers, int k, const float *picture) {
    float below[4] = {0}, above[4] = {0}, through = 1;
    for (int j = 0; j < k; j++) {
        for (int c = 0; c < 4; c++) below[c] += alpha[j] * (colors[j][c] - below[c]);
    }
    for (int j = layers - 1; j > k; j--) {
        for (int c = 0; c < 4; c++) above[c] += through * alpha[j] * colors[j][c];
        through *= 1 - alpha[j];
    }
    float product = 0, square = inaccuracy * inaccuracy;
    for (int c = 0; c < 4; c++) {
        const float change = through * (colors[k][c] - below[c]);
        product += (picture[c] - above[c] - through * below[c] - change * alpha[k]) * change;
        square += change * change;
    }
    return product / square;
}

void fit_consistent_row(const fit_level *level, const uint8_t *layers, int row, uint8_t *result) {
    const size_t plane = (size_t)level->height * level->width;
    for (int x = 0; x < level->width; x++) {
        const size_t place = (size_t)row * level->width + x;
        float colors[FIT_MAX_LAYERS][4], alpha[FIT_MAX_LAYERS], given[FIT_MAX_LAYERS], picture[4];
        float edge[FIT_MAX_LAYERS], edges = 0;
        for (int k = 0; k < level->layers; k++) {
            for (int c = 0; c < 3; c++) colors[k][c] = layers[(k * plane + place) * 4 + c];
            colors[k][3] = 255;
            given[k] = alpha[k] = level->alpha[k * plane + place] * (1 / 255.0f);
            result[k * plane + place] = level->alpha[k * plane + place];
            edge[k] = k > 0 ? fit_step((float)range_around(level, k, x, row) * (1 / 255.0f), edge_from, edge_to) : 0;
            edges += edge[k];
        }
        if (edges == 0) continue;
        for (int c = 0; c < 4; c++) picture[c] = level->guide[place * 4 + c];
        for (int round = 0; round < ROUNDS; round++) {
            for (int k = level->layers - 1; k > 0; k--) {
                if (edge[k] == 0) continue;
                const float wanted = alpha[k] + missing_share(colors, alpha, level->layers, k, picture);
                const float move = edge[k] * largest_move;
                alpha[k] = fit_unit(fmaxf(given[k] - move, fminf(given[k] + move, wanted)));
            }
        }
        for (int k = 1; k < level->layers; k++) {
            if (edge[k] > 0) result[k * plane + place] = (uint8_t)(alpha[k] * 255 + 0.5f);
        }
    }
}
