#include "convolution_target.h"

void mica_pack_convolution_f32(const float *weight, size_t outputs, size_t inputs, size_t time, size_t area, size_t width,
                               float *panels) {
    for (size_t n = 0; n < outputs; n += width)
        for (size_t cell = 0; cell < area; cell++)
            for (size_t p = 0; p < inputs; p++, panels += width)
                for (size_t j = 0; j < width; j++)
                    panels[j] = n + j < outputs ? *weight_at(weight, n + j, p, inputs, time, area, cell) : 0;
}
