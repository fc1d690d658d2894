// Where the parts of Strassen's scheme belong, see strassen_avx2.c.
#pragma once
#include "dispatch.h"

// What a part is added to: a block of sums, and how often. `begins` if it is the block's first part.
typedef struct {
    uint8_t block;
    int8_t times;
    uint8_t begins;
} Target;

static const Target targets[MICA_STRASSEN_PARTS][2] = {
    {{0, 1, 1}, {3, 1, 1}}, {{2, 1, 1}, {3, -1, 0}}, {{1, 1, 1}, {3, 1, 0}}, {{0, 1, 0}, {2, 1, 0}},
    {{0, -1, 0}, {1, 1, 0}}, {{3, 1, 0}, {3, 0, 0}}, {{0, 1, 0}, {0, 0, 0}},
};

// A block's sums among two panels [rows * 2, 32], `panel_stride` apart.
INLINE int32_t *sums_of(Target target, int32_t *sums, size_t rows, size_t panel_stride) {
    return sums + target.block % 2 * panel_stride + target.block / 2 * rows * MICA_PAIR_COLUMNS;
}
