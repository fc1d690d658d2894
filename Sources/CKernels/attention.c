#include "dispatch.h"

// a * b as float32 has it, whatever is done with it next.
INLINE float rounded_product(float a, float b) {
    _Pragma("clang fp contract(off)")
    return a * b;
}

KERNEL void mica_softmax_block(float *scores, size_t rows, size_t columns, size_t stride, float scale, const int32_t *visible,
                               float *maximum, float *sum, float *accumulated, size_t size) {
    REORDER
    for (size_t r = 0; r < rows; r++) {
        float *s = scores + r * stride;
        const int32_t limit = visible ? visible[r] : (int32_t)columns;
        const size_t seen = limit < 0 ? 0 : ((size_t)limit < columns ? (size_t)limit : columns);
        if (seen == 0) {
            memset(s, 0, columns * sizeof(float));
            continue;
        }
        float block = s[0];
        for (size_t i = 1; i < seen; i++) block = s[i] > block ? s[i] : block;
        block *= scale;
        const float top = block > maximum[r] ? block : maximum[r];
        float added = 0;
        for (size_t i = 0; i < seen; i++) {
            // Not fused: `top` is a rounded product, so the same product must be rounded before the difference is taken. Otherwise the
            // largest score differs from itself by its rounding, which for scores from 1e9 on is more than exp takes.
            s[i] = mica_expf(rounded_product(s[i], scale) - top);
            added += s[i];
        }
        for (size_t i = seen; i < columns; i++) s[i] = 0;
        if (top > maximum[r]) {
            // The first block finds a maximum of -infinity: nothing was accumulated yet.
            const float factor = maximum[r] == -INFINITY ? 0 : mica_expf(maximum[r] - top);
            float *a = accumulated + r * size;
            for (size_t i = 0; i < size; i++) a[i] *= factor;
            sum[r] *= factor;
            maximum[r] = top;
        }
        sum[r] += added;
    }
}

KERNEL void mica_softmax_finish(const float *accumulated, size_t accumulated_stride, const float *sum, float *y, size_t rows, size_t size,
                                size_t stride) {
    for (size_t r = 0; r < rows; r++) {
        const float factor = 1.0f / sum[r];
        for (size_t i = 0; i < size; i++) y[r * stride + i] = accumulated[r * accumulated_stride + i] * factor;
    }
}

void mica_pack_row_panels(const float *x, size_t stride, size_t rows, size_t size, size_t width, float *panels) {
    for (size_t first = 0; first < rows; first += width, panels += size * width)
        for (size_t j = 0; j < width; j++) {
            const float *row = x + (first + j) * stride;
            for (size_t i = 0; i < size; i++) panels[i * width + j] = first + j < rows ? row[i] : 0;
        }
}

void mica_pack_column_panels(const float *x, size_t stride, size_t rows, size_t size, size_t width, float *panels) {
    for (size_t first = 0; first < size; first += width) {
        const size_t count = size - first < width ? size - first : width;
        for (size_t r = 0; r < rows; r++, panels += width) {
            memcpy(panels, x + r * stride + first, count * sizeof(float));
            memset(panels + count, 0, (width - count) * sizeof(float));
        }
    }
}
