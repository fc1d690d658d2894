#include <stdlib.h>
#include <string.h>

#include "CImages.h"

// Plain loops over bytes, which the compiler turns into vectors; Swift's checked arithmetic keeps it from that.

// PNG specification (third edition), section 9.4: the neighbour nearest to left + above - corner.
static inline uint8_t paeth(uint8_t left, uint8_t above, uint8_t corner) {
    int16_t a = left, b = above, c = corner;
    int16_t to_a = (int16_t)abs(b - c), to_b = (int16_t)abs(a - c), to_c = (int16_t)abs(a + b - c - c);
    int16_t other = to_b <= to_c ? b : c;
    return (uint8_t)(to_a <= to_b && to_a <= to_c ? a : other);
}

// The sum of the bytes' distances from 0, taken as signed.
static uint32_t cost(const uint8_t *row, size_t count) {
    uint32_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        uint8_t value = row[i], opposite = (uint8_t)-value;
        sum += value < opposite ? value : opposite;
    }
    return sum;
}

int cimages_png_filter(
    const uint8_t *row, const uint8_t *above, size_t count, size_t pixel, uint8_t *restrict candidates,
    uint8_t *restrict filtered) {
    const uint8_t *left = row - pixel, *corner = above - pixel;
    if (memcmp(row, above, count) == 0) {
        // Most rows of a layer are empty.
        memset(filtered, 0, count);
        return 2;
    }
    uint8_t *sub = candidates, *up = sub + count, *average = up + count, *nearest = average + count;
    for (size_t i = 0; i < count; i++) sub[i] = (uint8_t)(row[i] - left[i]);
    for (size_t i = 0; i < count; i++) up[i] = (uint8_t)(row[i] - above[i]);
    for (size_t i = 0; i < count; i++) average[i] = (uint8_t)(row[i] - ((left[i] + above[i]) >> 1));
    for (size_t i = 0; i < count; i++) nearest[i] = (uint8_t)(row[i] - paeth(left[i], above[i], corner[i]));
    const uint8_t *rows[5] = {row, sub, up, average, nearest};
    int best = 0;
    uint32_t least = UINT32_MAX;
    for (int filter = 0; filter < 5; filter++) {
        uint32_t sum = cost(rows[filter], count);
        if (sum < least) {
            best = filter;
            least = sum;
        }
    }
    memcpy(filtered, rows[best], count);
    return best;
}
