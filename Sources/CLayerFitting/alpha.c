// Alpha at a finer size by local linear models of the picture's colours (He, Sun, Tang: "Guided Image Filtering", 2010; "Fast Guided
// Filter", 2015), one doubling at a time, so that a model's window covers a few pixels of each size in turn.
#include "kernel.h"

enum { REACH = 2, COLORS = 3, COLUMNS = FIT_BLOCK + 2 * REACH, PRODUCTS = 10 };

// What is added to the variance of a channel: differences of colour below its root (0.01) count as noise.
static const float noise_variance = 1e-4f;
// Ranges of alpha from which an edge is looked for, and in full.
static const float edge_from = 0.04f, edge_to = 0.2f;
// How much of a layer must be left by those above it for the picture's colours to say anything of it.
static const float seen_from = 0.0f, seen_to = 0.5f;
// Ranges from which an edge is that of something opaque, blurred by the coarse pixels alone, and is made steeper.
static const float steep_from = 0.7f, steep_to = 0.95f;

// Where the columns of a block lie in a row: the block and REACH more at both sides, clamped.
typedef struct {
    const fit_level *level;
    int row, radius, start, count;
    int columns[COLUMNS];
} block;

static block make_block(const fit_level *level, int row, int radius, int start) {
    block b = {level, row, radius, start, level->width - start < FIT_BLOCK ? level->width - start : FIT_BLOCK, {0}};
    for (int i = 0; i < COLUMNS; i++) b.columns[i] = fit_clamp(start - REACH + i, 0, level->width - 1);
    return b;
}

INLINE const uint8_t *alpha_row(const block *b, int layer, int offset) {
    const fit_level *level = b->level;
    const int row = fit_clamp(b->row + offset, 0, level->height - 1);
    return level->alpha + ((size_t)layer * level->height + row) * level->width;
}

// The range of a layer's alpha around each pixel; returns the flag of the block.
static int ranges(const block *b, int layer, float *range, uint8_t *constant) {
    uint8_t low[COLUMNS], high[COLUMNS];
    uint8_t least = 255, most = 0;
    memset(low, 255, sizeof low);
    memset(high, 0, sizeof high);
    for (int offset = -REACH; offset <= REACH; offset++) {
        const uint8_t *alpha = alpha_row(b, layer, offset);
        const int is_near = offset >= -b->radius && offset <= b->radius;
        for (int i = 0; i < COLUMNS; i++) {
            const uint8_t value = alpha[b->columns[i]];
            least = value < least ? value : least;
            most = value > most ? value : most;
            if (!is_near) continue;
            low[i] = value < low[i] ? value : low[i];
            high[i] = value > high[i] ? value : high[i];
        }
    }
    *constant = least;
    if (least == most) return FIT_CONSTANT;
    float widest = 0;
    for (int i = 0; i < b->count; i++) {
        uint8_t from = 255, to = 0;
        for (int j = -b->radius; j <= b->radius; j++) {
            const uint8_t l = low[i + REACH + j], h = high[i + REACH + j];
            from = l < from ? l : from;
            to = h > to ? h : to;
        }
        range[i] = (float)(to - from) * (1 / 255.0f);
        widest = fmaxf(widest, range[i]);
    }
    return widest > edge_from ? FIT_EDGE : FIT_SMOOTH;
}

// Means of columns' sums over 2 * radius + 1 columns.
INLINE void across(const float *sums, int radius, float share, float *mean) {
    if (radius == 1) {
        for (int i = 0; i < FIT_BLOCK; i++) mean[i] = (sums[i + 1] + sums[i + 2] + sums[i + 3]) * share;
    } else {
        for (int i = 0; i < FIT_BLOCK; i++) mean[i] = (sums[i] + sums[i + 1] + sums[i + 2] + sums[i + 3] + sums[i + 4]) * share;
    }
}

// The guide's colours around a block, and what follows from them for every layer: their means, and the covariance with the noise
// added as L * D * L^T, whose D is kept as its inverse.
typedef struct {
    float colors[2 * REACH + 1][4][COLUMNS];
    float means[4][FIT_BLOCK];
    float factors[PRODUCTS][FIT_BLOCK];
} surroundings;

// The index of the product of channels i >= j.
#define PAIR(i, j) ((i) * ((i) + 1) / 2 + (j))

KERNEL static void gather(const block *b, surroundings *s) {
    float sums[COLUMNS];
    const float share = 1.0f / (float)((2 * b->radius + 1) * (2 * b->radius + 1));
    for (int offset = -b->radius; offset <= b->radius; offset++) {
        const int row = fit_clamp(b->row + offset, 0, b->level->height - 1);
        const uint8_t *guide = b->level->guide + (size_t)row * b->level->width * 4;
        for (int c = 0; c < 4; c++) {
            for (int i = 0; i < COLUMNS; i++) s->colors[offset + REACH][c][i] = guide[4 * b->columns[i] + c] * (1 / 255.0f);
        }
    }
    for (int c = 0; c < 4; c++) {
        memset(sums, 0, sizeof sums);
        for (int offset = -b->radius; offset <= b->radius; offset++) {
            for (int i = 0; i < COLUMNS; i++) sums[i] += s->colors[offset + REACH][c][i];
        }
        across(sums, b->radius, share, s->means[c]);
    }
    for (int c = 0; c < 4; c++) {
        for (int d = 0; d <= c; d++) {
            memset(sums, 0, sizeof sums);
            for (int offset = -b->radius; offset <= b->radius; offset++) {
                for (int i = 0; i < COLUMNS; i++) sums[i] += s->colors[offset + REACH][c][i] * s->colors[offset + REACH][d][i];
            }
            float *products = s->factors[PAIR(c, d)];
            across(sums, b->radius, share, products);
            const float noise = c == d ? noise_variance : 0;
            for (int i = 0; i < FIT_BLOCK; i++) products[i] = products[i] - s->means[c][i] * s->means[d][i] + noise;
        }
    }
}

KERNEL static void factorise(surroundings *s) {
    for (int i = 0; i < FIT_BLOCK; i++) {
        float m[PRODUCTS];
        for (int p = 0; p < PRODUCTS; p++) m[p] = s->factors[p][i];
        const float d0 = 1 / m[PAIR(0, 0)];
        const float l10 = m[PAIR(1, 0)] * d0, l20 = m[PAIR(2, 0)] * d0, l30 = m[PAIR(3, 0)] * d0;
        const float d1 = 1 / (m[PAIR(1, 1)] - l10 * m[PAIR(1, 0)]);
        const float m21 = m[PAIR(2, 1)] - l20 * m[PAIR(1, 0)], m31 = m[PAIR(3, 1)] - l30 * m[PAIR(1, 0)];
        const float l21 = m21 * d1, l31 = m31 * d1;
        const float d2 = 1 / (m[PAIR(2, 2)] - l20 * m[PAIR(2, 0)] - l21 * m21);
        const float m32 = m[PAIR(3, 2)] - l30 * m[PAIR(2, 0)] - l31 * m21;
        const float l32 = m32 * d2;
        const float d3 = 1 / (m[PAIR(3, 3)] - l30 * m[PAIR(3, 0)] - l31 * m31 - l32 * m32);
        const float factors[PRODUCTS] = {d0, l10, d1, l20, l21, d2, l30, l31, l32, d3};
        for (int p = 0; p < PRODUCTS; p++) s->factors[p][i] = factors[p];
    }
}

// How much of a model is to be believed: a few pixels always explain a share of alpha by chance, the more the fewer they are (the
// adjusted coefficient of determination, against the plain one).
INLINE float kept_share(float explained, float variance, int radius) {
    const float share = explained / (variance + 1e-6f);
    const float pixels = (float)((2 * radius + 1) * (2 * radius + 1));
    const float adjusted = 1 - (1 - share) * (pixels - 1) / (pixels - 1 - COLORS);
    return fit_unit(adjusted / (share + 1e-6f));
}

// Slopes and offset of one layer; where its alpha's range is small, or layers above hide it, slopes of 0.
KERNEL static void solve(
    const block *b, const surroundings *s, int layer, const float *visible, float *model, size_t stride
) {
    float alpha[2 * REACH + 1][COLUMNS], sums[COLUMNS], mean[FIT_BLOCK], square[FIT_BLOCK], slopes[4][FIT_BLOCK];
    const float share = 1.0f / (float)((2 * b->radius + 1) * (2 * b->radius + 1));
    memset(sums, 0, sizeof sums);
    for (int offset = -b->radius; offset <= b->radius; offset++) {
        const uint8_t *row = alpha_row(b, layer, offset);
        for (int i = 0; i < COLUMNS; i++) alpha[offset + REACH][i] = row[b->columns[i]] * (1 / 255.0f);
        for (int i = 0; i < COLUMNS; i++) sums[i] += alpha[offset + REACH][i];
    }
    across(sums, b->radius, share, mean);
    memset(sums, 0, sizeof sums);
    for (int offset = -b->radius; offset <= b->radius; offset++) {
        for (int i = 0; i < COLUMNS; i++) sums[i] += alpha[offset + REACH][i] * alpha[offset + REACH][i];
    }
    across(sums, b->radius, share, square);
    for (int c = 0; c < 4; c++) {
        memset(sums, 0, sizeof sums);
        for (int offset = -b->radius; offset <= b->radius; offset++) {
            for (int i = 0; i < COLUMNS; i++) sums[i] += alpha[offset + REACH][i] * s->colors[offset + REACH][c][i];
        }
        across(sums, b->radius, share, slopes[c]);
    }
    const float *range = model + 5 * stride;
    for (int i = 0; i < b->count; i++) {
        float y[4], covariance[4];
        for (int c = 0; c < 4; c++) covariance[c] = y[c] = slopes[c][i] - s->means[c][i] * mean[i];
        const float l10 = s->factors[1][i], l20 = s->factors[3][i], l21 = s->factors[4][i];
        const float l30 = s->factors[6][i], l31 = s->factors[7][i], l32 = s->factors[8][i];
        y[1] -= l10 * y[0];
        y[2] -= l20 * y[0] + l21 * y[1];
        y[3] -= l30 * y[0] + l31 * y[1] + l32 * y[2];
        y[3] *= s->factors[9][i];
        y[2] = y[2] * s->factors[5][i] - l32 * y[3];
        y[1] = y[1] * s->factors[2][i] - l21 * y[2] - l31 * y[3];
        y[0] = y[0] * s->factors[0][i] - l10 * y[1] - l20 * y[2] - l30 * y[3];
        float explained = 0;
        for (int c = 0; c < 4; c++) explained += covariance[c] * y[c];
        const float guided = fit_step(range[i], edge_from, edge_to) * fit_step(visible[i], seen_from, seen_to)
            * kept_share(explained, square[i] - mean[i] * mean[i], b->radius);
        float offset = mean[i];
        for (int c = 0; c < 4; c++) {
            offset -= y[c] * s->means[c][i];
            model[c * stride + i] = guided * y[c];
        }
        model[4 * stride + i] = guided * offset + (1 - guided) * alpha[REACH][i + REACH];
    }
}

// Takes away what a layer hides.
KERNEL static void hide(const block *b, int layer, float *visible) {
    const uint8_t *alpha = alpha_row(b, layer, 0) + b->start;
    for (int i = 0; i < b->count; i++) visible[i] *= (float)(255 - alpha[i]) * (1 / 255.0f);
}

void fit_model_row(const fit_level *level, int row, int radius, float *model, uint8_t *flags, uint8_t *constants) {
    const int blocks = (level->width + FIT_BLOCK - 1) / FIT_BLOCK;
    const size_t stride = (size_t)level->width;
    for (int index = 0; index < blocks; index++) {
        const block b = make_block(level, row, radius, index * FIT_BLOCK);
        surroundings s;
        int is_gathered = 0;
        // From the top, so that it is known how much of each pixel is left for the layer.
        float visible[FIT_BLOCK];
        for (int i = 0; i < FIT_BLOCK; i++) visible[i] = 1;
        for (int layer = level->layers - 1; layer >= 0; layer--) {
            float *values = model + (size_t)layer * FIT_MODEL_VALUES * stride + b.start;
            const int flag = ranges(&b, layer, values + 5 * stride, &constants[layer * blocks + index]);
            flags[layer * blocks + index] = (uint8_t)flag;
            float left[FIT_BLOCK];
            memcpy(left, visible, sizeof left);
            hide(&b, layer, visible);
            if (flag == FIT_SMOOTH) {
                const uint8_t *alpha = alpha_row(&b, layer, 0) + b.start;
                for (int i = 0; i < b.count; i++) values[4 * stride + i] = alpha[i] * (1 / 255.0f);
                for (int c = 0; c < 4; c++) memset(values + c * stride, 0, sizeof(float) * (size_t)b.count);
            }
            if (flag != FIT_EDGE) continue;
            if (!is_gathered) {
                gather(&b, &s);
                factorise(&s);
                is_gathered = 1;
            }
            solve(&b, &s, layer, left, values, stride);
        }
    }
}

// --- between the model's pixels ------------------------------------------------------------------------------------------------

enum { STRIP = 64 };

// Where finer pixels lie between the model's columns.
typedef struct {
    int left[STRIP], right[STRIP];
    float share[STRIP];
} places;

KERNEL static void smooth_alpha(const fit_rows *rows, const float *const *offsets, const places *at, int count, uint8_t *alpha) {
    for (int i = 0; i < count; i++) {
        const float l = offsets[0][at->left[i]] + rows->share * (offsets[1][at->left[i]] - offsets[0][at->left[i]]);
        const float r = offsets[0][at->right[i]] + rows->share * (offsets[1][at->right[i]] - offsets[0][at->right[i]]);
        alpha[i] = (uint8_t)(fit_unit(l + at->share[i] * (r - l)) * 255 + 0.5f);
    }
}

KERNEL static void edge_alpha(
    const fit_rows *rows, const float *const *models, const places *at, const uint8_t *guide, int count, uint8_t *alpha
) {
    float values[FIT_MODEL_VALUES][STRIP];
    for (int v = 0; v < FIT_MODEL_VALUES; v++) {
        const float *upper = models[0] + (size_t)v * rows->width, *lower = models[1] + (size_t)v * rows->width;
        for (int i = 0; i < count; i++) {
            const float l = upper[at->left[i]] + rows->share * (lower[at->left[i]] - upper[at->left[i]]);
            const float r = upper[at->right[i]] + rows->share * (lower[at->right[i]] - upper[at->right[i]]);
            values[v][i] = l + at->share[i] * (r - l);
        }
    }
    for (int i = 0; i < count; i++) {
        float a = values[4][i];
        for (int c = 0; c < 4; c++) a += values[c][i] * guide[4 * i + c] * (1 / 255.0f);
        a = fit_unit(a);
        const float steep = fit_step(values[5][i], steep_from, steep_to);
        a += steep * (a * a * (3 - 2 * a) - a);
        alpha[i] = (uint8_t)(a * 255 + 0.5f);
    }
}

// The highest flag of the blocks from that of column `first` to that of `last`, in both rows.
static int highest_flag(const fit_rows *rows, int layer, int first, int last) {
    const int blocks = (rows->width + FIT_BLOCK - 1) / FIT_BLOCK;
    int highest = 0;
    for (int index = first / FIT_BLOCK; index <= last / FIT_BLOCK; index++) {
        for (int side = 0; side < 2; side++) {
            const int flag = rows->flags[side][layer * blocks + index];
            highest = flag > highest ? flag : highest;
        }
    }
    return highest;
}

// Constant blocks have no model: the finer row needs one where their neighbour does.
static void spread_constants(const fit_rows *rows, int layer, int first, int last) {
    const int blocks = (rows->width + FIT_BLOCK - 1) / FIT_BLOCK;
    for (int index = first / FIT_BLOCK; index <= last / FIT_BLOCK; index++) {
        for (int side = 0; side < 2; side++) {
            if (rows->flags[side][layer * blocks + index] != FIT_CONSTANT) continue;
            const float value = rows->constants[side][layer * blocks + index] * (1 / 255.0f);
            const int start = index * FIT_BLOCK, end = start + FIT_BLOCK < rows->width ? start + FIT_BLOCK : rows->width;
            float *model = rows->model[side] + (size_t)layer * FIT_MODEL_VALUES * rows->width;
            for (int v = 0; v < FIT_MODEL_VALUES; v++) {
                for (int i = start; i < end; i++) model[(size_t)v * rows->width + i] = v == 4 ? value : 0;
            }
        }
    }
}

void fit_alpha_row(const fit_rows *rows, const uint8_t *guide, double scale_x, uint8_t *alpha, size_t plane, int width) {
    const int blocks = (rows->width + FIT_BLOCK - 1) / FIT_BLOCK;
    for (int start = 0; start < width; start += STRIP) {
        const int count = width - start < STRIP ? width - start : STRIP;
        places at = {0};
        for (int i = 0; i < count; i++) {
            const double place = fmax((start + i + 0.5) * scale_x - 0.5, 0);
            at.left[i] = fit_clamp((int)place, 0, rows->width - 1);
            at.right[i] = fit_clamp(at.left[i] + 1, 0, rows->width - 1);
            at.share[i] = (float)(place - (int)place);
        }
        const int first = at.left[0], last = at.right[count - 1];
        for (int layer = 0; layer < rows->layers; layer++) {
            uint8_t *target = alpha + (size_t)layer * plane + start;
            const int flag = highest_flag(rows, layer, first, last);
            if (flag == FIT_CONSTANT) {
                memset(target, rows->constants[0][layer * blocks + first / FIT_BLOCK], (size_t)count);
                continue;
            }
            spread_constants(rows, layer, first, last);
            const float *models[2];
            for (int side = 0; side < 2; side++) {
                models[side] = rows->model[side] + (size_t)layer * FIT_MODEL_VALUES * rows->width;
            }
            if (flag == FIT_SMOOTH) {
                const float *offsets[2] = {models[0] + 4 * (size_t)rows->width, models[1] + 4 * (size_t)rows->width};
                smooth_alpha(rows, offsets, &at, count, target);
            } else {
                edge_alpha(rows, models, &at, guide + 4 * (size_t)start, count, target);
            }
        }
    }
}
