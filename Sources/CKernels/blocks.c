#include "blocks.h"

// `body` once for each type, its decoder and the sizes of its block being constants in it.
#define BLOCK_TYPES(body)                       \
    body(MICA_Q4_0, decode_q40, 32, 18)         \
    body(MICA_Q4_1, decode_q41, 32, 20)         \
    body(MICA_Q5_0, decode_q50, 32, 22)         \
    body(MICA_Q5_1, decode_q51, 32, 24)         \
    body(MICA_Q8_0, decode_q80, 32, 34)         \
    body(MICA_Q2_K, decode_q2k, 256, 84)        \
    body(MICA_Q3_K, decode_q3k, 256, 110)       \
    body(MICA_Q4_K, decode_q4k, 256, 144)       \
    body(MICA_Q5_K, decode_q5k, 256, 176)       \
    body(MICA_Q6_K, decode_q6k, 256, 210)       \
    body(MICA_IQ4_NL, decode_iq4nl, 32, 18)     \
    body(MICA_IQ4_XS, decode_iq4xs, 256, 136)

KERNEL void mica_widen_blocks(int type, const uint8_t *x, float *y, size_t count) {
#define WIDEN(name, decode, elements, bytes)                                              \
    case name:                                                                            \
        for (size_t i = 0; i < count; i += elements, x += bytes) decode(x, y + i);         \
        break;
    switch (type) { BLOCK_TYPES(WIDEN) }
#undef WIDEN
}

KERNEL void mica_narrow_blocks(int type, const uint8_t *x, uint16_t *y, size_t count) {
    float values[MICA_BLOCK];
#define NARROW(name, decode, elements, bytes)                                             \
    case name:                                                                            \
        for (size_t i = 0; i < count; i += elements, x += bytes) {                        \
            decode(x, values);                                                            \
            for (int j = 0; j < elements; j++) y[i + (size_t)j] = mica_to_bf16(values[j]); \
        }                                                                                 \
        break;
    switch (type) { BLOCK_TYPES(NARROW) }
#undef NARROW
}

KERNEL float mica_dot_blocks(int type, const float *a, const uint8_t *b, size_t count) {
    REORDER
    float values[MICA_BLOCK];
    // A sum for each element of a small block, so that the lanes are added up once.
    float sums[MICA_SMALL_BLOCK] = {0};
#define DOT(name, decode, elements, bytes)                                                                     \
    case name:                                                                                                 \
        for (size_t i = 0; i < count; i += elements, b += bytes) {                                             \
            decode(b, values);                                                                                 \
            for (int j = 0; j < elements; j++) sums[j % MICA_SMALL_BLOCK] += a[i + (size_t)j] * values[j];      \
        }                                                                                                      \
        break;
    switch (type) { BLOCK_TYPES(DOT) }
#undef DOT
    float sum = 0;
    for (int i = 0; i < MICA_SMALL_BLOCK; i++) sum += sums[i];
    return sum;
}
