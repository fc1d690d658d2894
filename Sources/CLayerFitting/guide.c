#include "kernel.h"

KERNEL void fit_premultiply(const uint8_t *x, uint8_t *y, size_t pixels) {
    for (size_t i = 0; i < pixels; i++) {
        const unsigned alpha = x[4 * i + 3];
        for (int c = 0; c < 3; c++) y[4 * i + c] = (uint8_t)((x[4 * i + c] * alpha + 127) / 255);
        y[4 * i + 3] = (uint8_t)alpha;
    }
}

KERNEL void fit_halve_row(const uint8_t *upper, const uint8_t *lower, uint8_t *y, int width) {
    for (int i = 0; i < width / 2; i++) {
        for (int c = 0; c < 4; c++) {
            const unsigned sum = upper[8 * i + c] + upper[8 * i + 4 + c] + lower[8 * i + c] + lower[8 * i + 4 + c];
            y[4 * i + c] = (uint8_t)((sum + 2) / 4);
        }
    }
    if (width % 2 == 0) return;
    for (int c = 0; c < 4; c++) {
        const int last = 4 * (width - 1) + c;
        y[4 * (width / 2) + c] = (uint8_t)((upper[last] + lower[last] + 1) / 2);
    }
}

void fit_area_row(const uint8_t *x, int width, int height, double top, double bottom, double scale_x, uint8_t *y, int columns) {
    for (int i = 0; i < columns; i++) {
        const double left = i * scale_x, right = (i + 1) * scale_x;
        double sums[4] = {0}, area = 0;
        for (int row = (int)top; row < bottom; row++) {
            const double rows = fmin(bottom, row + 1) - fmax(top, row);
            const uint8_t *from = x + (size_t)fit_clamp(row, 0, height - 1) * width * 4;
            for (int column = (int)left; column < right; column++) {
                const double part = rows * (fmin(right, column + 1) - fmax(left, column));
                const uint8_t *pixel = from + 4 * (size_t)fit_clamp(column, 0, width - 1);
                for (int c = 0; c < 4; c++) sums[c] += part * pixel[c];
                area += part;
            }
        }
        for (int c = 0; c < 4; c++) y[4 * i + c] = (uint8_t)(sums[c] / area + 0.5);
    }
}
