// Where the rows of a convolution go.
#pragma once
#include "dispatch.h"

// store_pixel(target, pixel, n, sum) writes two vectors of sums, plus bias and addend, as channels n and on of one pixel; those beyond
// `outputs` are dropped.
typedef struct {
    // [outputs]; of the pixels, or NULL
    const float *bias, *addend;
    // [pixels, outputs]
    float *output;
    size_t outputs;
} Target;

// The value of an output channel, an input channel and a cell in the last time slice: with zeros in front of the one frame, no other
// slice meets data.
INLINE const float *weight_at(const float *weight, size_t output, size_t input, size_t inputs, size_t time, size_t area,
                                     size_t cell) {
    return weight + ((output * inputs + input) * time + time - 1) * area + cell;
}
