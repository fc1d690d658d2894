#include "dispatch.h"

// The part of a kernel row that lies inside of the picture is one run of memory, since the channels lie innermost.
INLINE void copy_patch_row(const float *row, long width, long channels, long x, long kernel, float *out) {
    const long before = x < 0 ? (-x < kernel ? -x : kernel) : 0;
    const long last = x + kernel > width ? width : x + kernel;
    const long inside = last - x - before > 0 ? last - x - before : 0;
    if (before) memset(out, 0, (size_t)(before * channels) * sizeof(float));
    if (inside) memcpy(out + before * channels, row + (x + before) * channels, (size_t)(inside * channels) * sizeof(float));
    const long after = kernel - before - inside;
    if (after) memset(out + (before + inside) * channels, 0, (size_t)(after * channels) * sizeof(float));
}

void mica_im2col(const float *x, size_t height, size_t width, size_t channels, size_t kernel, size_t stride, size_t top, size_t left,
                 size_t output_width, size_t start, size_t count, float *columns) {
    const size_t line = kernel * channels;
    for (size_t p = 0; p < count; p++) {
        const size_t pixel = start + p;
        const long oy = (long)(pixel / output_width), ox = (long)(pixel % output_width);
        const long column = ox * (long)stride - (long)left;
        for (size_t ky = 0; ky < kernel; ky++, columns += line) {
            const long row = oy * (long)stride - (long)top + (long)ky;
            if (row < 0 || row >= (long)height) memset(columns, 0, line * sizeof(float));
            else copy_patch_row(x + (size_t)row * width * channels, (long)width, (long)channels, column, (long)kernel, columns);
        }
    }
}

void mica_upsample_nearest(const float *x, size_t width, size_t channels, size_t first, size_t last, float *y) {
    const size_t line = 2 * width * channels;
    for (size_t r = first; r < last; r++) {
        float *out = y + 2 * r * line;
        for (size_t c = 0; c < width; c++) {
            const float *pixel = x + (r * width + c) * channels;
            memcpy(out + 2 * c * channels, pixel, channels * sizeof(float));
            memcpy(out + (2 * c + 1) * channels, pixel, channels * sizeof(float));
        }
        memcpy(out + line, out, line * sizeof(float));
    }
}
