// Row kernels of the CPU backend, in C so that the compiler vectorises them for each kind of CPU; the kind is chosen at run time.
// All tensors are contiguous and row-major; a row never aliases another unless a comment allows it. Nothing here allocates.
#pragma once
#include <stddef.h>
#include <stdint.h>

// The values of `Activation`, in the order of the Swift enum.
enum { MICA_NONE = 0, MICA_SILU = 1, MICA_GELU_TANH = 2, MICA_GELU = 3 };

// Types whose elements come in ggml's blocks of 32, and of 256.
enum { MICA_Q4_0, MICA_Q4_1, MICA_Q5_0, MICA_Q5_1, MICA_Q8_0, MICA_IQ4_NL };
enum { MICA_Q2_K = MICA_IQ4_NL + 1, MICA_Q3_K, MICA_Q4_K, MICA_Q5_K, MICA_Q6_K, MICA_IQ4_XS };

// --- element types -------------------------------------------------------------------------------------------------------------
// y[i] = (float) x[i]; x may have any alignment.
void mica_widen_bf16(const uint16_t *x, float *y, size_t count);
void mica_widen_f16(const uint16_t *x, float *y, size_t count);
// Sum of a[i] * b[i], with b widened on the way: the row-by-vector product of decoding, bound by memory.
float mica_dot_bf16(const float *a, const uint16_t *b, size_t count);
// The same with four rows, `stride` elements apart: memory is read in four places at once, which is faster.
void mica_dot4_bf16(const float *a, const uint16_t *b, size_t stride, size_t count, float *sums);
float mica_dot_f16(const float *a, const uint16_t *b, size_t count);
float mica_dot_f32(const float *a, const float *b, size_t count);
// y[i] = x[i] rounded to bfloat16, half to even; NaN stays NaN.
void mica_narrow_bf16(const float *x, uint16_t *y, size_t count);

// y[i] = exp(x[i]) as the other kernels have it inlined: no kernel calls it, the tests measure its precision.
void mica_exp(const float *x, float *y, size_t count);

// --- pointwise -----------------------------------------------------------------------------------------------------------------
// y = activation(x + bias), rows of `columns`, rows `stride` apart; bias may be NULL; in place (y == x) is allowed.
void mica_bias_activate(const float *x, const float *bias, float *y, size_t rows, size_t columns, size_t stride, int activation);
// The same from a panel of sums [rows, 32], of which up to 32 columns count, to rows `stride` apart.
void mica_finish_panel(const float *sums, const float *bias, float *y, size_t stride, size_t rows, size_t columns, int activation);
// y = silu(gate) * up; y may be gate.
void mica_silu_gate(const float *gate, const float *up, float *y, size_t count);
// target += gate * addend, by row of `columns`; gate may be NULL for 1.
void mica_accumulate(float *target, const float *addend, const float *gate, size_t rows, size_t columns);
// y = x * scale + shift by channel.
void mica_channel_affine(const float *x, const float *scale, const float *shift, float *y, size_t rows, size_t columns);
// latents += delta * prediction.
void mica_euler_step(float *latents, const float *prediction, float delta, size_t count);
// See Operation.guidance.
void mica_guidance(const float *positive, const float *negative, float scale, int normalize, float *y, size_t rows, size_t columns);

// --- norms ---------------------------------------------------------------------------------------------------------------------
// LayerNorm without weights, then x * (1 + scale) + shift if they are not NULL.
void mica_layer_norm(const float *x, const float *shift, const float *scale, float epsilon, float *y, size_t rows, size_t columns);
// x / sqrt(mean(x^2) + epsilon) * weight.
void mica_rms_norm(const float *x, const float *weight, float epsilon, float *y, size_t rows, size_t columns);
// x / max(|x|, 1e-12) * sqrt(columns) * gamma, then the activation.
void mica_channel_norm(const float *x, const float *gamma, float *y, size_t rows, size_t columns, int activation);
// In place on rows of heads * size: RMSNorm by head if weight is not NULL, then rotation by the row's angles if cosines is not NULL.
// halves == 0: pairs (0,1), (2,3), ...; halves == 1: pairs (i, i + size/2).
void mica_head_norm_rotary(float *x, const float *weight, float epsilon, const float *cosines, const float *sines, int halves,
                           size_t rows, size_t heads, size_t size);

// --- attention -----------------------------------------------------------------------------------------------------------------
// One block of keys of the online softmax: scores [rows, columns] are replaced by exp(scores * scale - new maximum); maximum and sum [rows]
// are brought up to date, and accumulated [rows, size] is rescaled to the
// new maximum. Row r sees the first visible[r] columns (all if NULL).
void mica_softmax_block(float *scores, size_t rows, size_t columns, size_t stride, float scale, const int32_t *visible,
                        float *maximum, float *sum, float *accumulated, size_t size);
// y[r, :] = accumulated[r, :] / sum[r], rows of y `stride` and of accumulated `accumulated_stride` apart.
void mica_softmax_finish(const float *accumulated, size_t accumulated_stride, const float *sum, float *y, size_t rows, size_t size,
                         size_t stride);

// --- attention in bfloat16, where the CPU has the instructions -----------------------------------------------------------------
// 1 if the functions below may be called.
int mica_has_bf16_products(void);
// Rounds `rows` rows of `size` floats, `stride` apart, to bfloat16, closely packed.
void mica_round_rows_bf16(const float *x, size_t stride, size_t rows, size_t size, uint16_t *y);
// Packs at most 64 keys [keys, size] into a panel of size / 2 * 64 words; missing keys are zeros. `size` is even.
void mica_pack_keys(const float *k, size_t stride, size_t keys, size_t size, uint32_t *panel);
// Packs values [keys, size] into a panel of pairs * 64 words for each 64 columns; what is missing is zeros; keys <= 2 * pairs.
void mica_pack_values(const float *v, size_t stride, size_t keys, size_t size, size_t pairs, uint32_t *panels);
// One block of keys for `rows` queries [rows, size]: row r sees the block's keys first[r] ..< last[r]. `keys` and `values` are packed;
// block_keys is a multiple of 64. Scratch: scores [rows, block_keys], weights [rows, block_keys]. maximum, sum [rows] and accumulated
// [rows, size rounded up to 64] are brought up to date.
void mica_attention_block_bf16(const uint16_t *query, size_t rows, size_t size, const uint32_t *keys, const uint32_t *values,
                               size_t block_keys, const int32_t *first, const int32_t *last, float scale, float *scores,
                               uint16_t *weights, float *maximum, float *sum, float *accumulated);

// --- attention in float32: its products are convolutions with kernels of one cell -------------------------------------------------
// Packs rows [rows, size], `stride` apart, into panels of `width` rows, each size * width: element by element, those of all rows side by
// side. Missing rows are zeros.
void mica_pack_row_panels(const float *x, size_t stride, size_t rows, size_t size, size_t width, float *panels);
// Packs columns of [rows, size], rows `stride` apart, into panels of `width` columns, each rows * width. Missing columns are zeros.
void mica_pack_column_panels(const float *x, size_t stride, size_t rows, size_t size, size_t width, float *panels);

// --- convolution without patches, where the CPU has AVX2 or AVX-512 --------------------------------------------------------------
// 1 if the functions for float32 may be called; those for bfloat16 want mica_has_bf16_products, that with avx2 in its name only AVX2.
int mica_has_avx512(void);
int mica_has_avx2(void);
// Packs the last time slice of a weight [outputs, inputs, time, area] into panels of `width` output channels, each area * units * width;
// missing channels are zeros. A unit is a channel, or for bfloat16 a word of two, and `inputs` then even. The width is two vectors of
// what convolves: 16 with AVX2, else 32.
void mica_pack_convolution_bf16(const float *weight, size_t outputs, size_t inputs, size_t time, size_t area, uint32_t *panels);
void mica_pack_convolution_f32(const float *weight, size_t outputs, size_t inputs, size_t time, size_t area, size_t width,
                               float *panels);
// `rows` rows of an output [rows, width, outputs] from an input that has its padding around it, `input_width` pixels of `units`
// a row and (rows - 1) * stride + kernel rows. bias [outputs]; addend as the output, or NULL.
void mica_convolve_rows_bf16(const uint32_t *input, size_t input_width, size_t units, size_t kernel, size_t stride,
                             const uint32_t *panels, const float *bias, const float *addend, size_t rows, size_t width, size_t outputs,
                             float *output);
void mica_convolve_rows_f32(const float *input, size_t input_width, size_t units, size_t kernel, size_t stride, const float *panels,
                            const float *bias, const float *addend, size_t rows, size_t width, size_t outputs, float *output);
void mica_convolve_rows_f32_avx2(const float *input, size_t input_width, size_t units, size_t kernel, size_t stride, const float *panels,
                                 const float *bias, const float *addend, size_t rows, size_t width, size_t outputs, float *output);
// 3x3 kernels with stride 1 by Winograd's F(2x2, 3x3), for `units` a multiple of half a panel's width. A panel [9, units, width] becomes 16
// points, each [units, width], `point_stride` apart; all panels of a point lie side by side. The input has two rows and two columns more
// than the output, which counts as even there. block tiles are done at a time; scratch: 16 * (block * (units + outputs,
// padded to panels) + 2 * MICA_WINOGRAD_GAP).
#define MICA_WINOGRAD_GAP 16
void mica_winograd_avx2_weight(const float *panel, size_t units, float *points, size_t point_stride);
void mica_winograd_avx512_weight(const float *panel, size_t units, float *points, size_t point_stride);
void mica_winograd_avx2_rows(const float *input, size_t input_width, size_t units, const float *points, const float *bias,
                             const float *addend, size_t rows, size_t width, size_t outputs, size_t block, float *scratch,
                             float *output);
void mica_winograd_avx512_rows(const float *input, size_t input_width, size_t units, const float *points, const float *bias,
                               const float *addend, size_t rows, size_t width, size_t outputs, size_t block, float *scratch,
                               float *output);

// --- stored forms of weights ---------------------------------------------------------------------------------------------------
// Elements of TensorCore's Quantization, without the scales of a row: float8_e4m3fn, float8_e5m2, int8; a row of int4 with the bfloat16
// scales of its groups of 64. `count` elements, for int4 those of one row. x may have any alignment.
void mica_widen_e4m3(const uint8_t *x, float *y, size_t count);
void mica_widen_e5m2(const uint8_t *x, float *y, size_t count);
void mica_widen_s8(const int8_t *x, float *y, size_t count);
void mica_widen_s4(const uint8_t *x, const uint16_t *scales, float *y, size_t count);
// The same as bfloat16: exact but for float16 and int4, which are rounded.
void mica_narrow_f16(const uint16_t *x, uint16_t *y, size_t count);
void mica_narrow_e4m3(const uint8_t *x, uint16_t *y, size_t count);
void mica_narrow_e5m2(const uint8_t *x, uint16_t *y, size_t count);
void mica_narrow_s8(const int8_t *x, uint16_t *y, size_t count);
void mica_narrow_s4(const uint8_t *x, const uint16_t *scales, uint16_t *y, size_t count);
// Sum of a[i] * b[i].
float mica_dot_e4m3(const float *a, const uint8_t *b, size_t count);
float mica_dot_e5m2(const float *a, const uint8_t *b, size_t count);
float mica_dot_s8(const float *a, const int8_t *b, size_t count);
float mica_dot_s4(const float *a, const uint8_t *b, const uint16_t *scales, size_t count);
// Elements that come in ggml's blocks (TensorCore's `DType.block`), whole ones of them: `count` is a multiple of the block's elements.
void mica_widen_blocks(int type, const uint8_t *x, float *y, size_t count);
void mica_narrow_blocks(int type, const uint8_t *x, uint16_t *y, size_t count);
float mica_dot_blocks(int type, const float *a, const uint8_t *b, size_t count);
// y *= scales by column, rows of y `stride` apart.
void mica_scale_columns(float *y, const float *scales, size_t rows, size_t columns, size_t stride);
// Index of the first value that is not finite; `count` if all are.
size_t mica_first_not_finite(const float *x, size_t count);
size_t mica_first_not_finite_bf16(const uint16_t *x, size_t count);
// TensorCore's HadamardRotation of each run of `size` values, a power of 4 that divides `count`, in place.
void mica_rotate(float *x, size_t count, size_t size);
// The largest magnitude; not finite if any value is not.
float mica_largest_magnitude(const float *x, size_t count);
// Rounds a row of finite values, its largest magnitude becoming 127 or 448; returns the scale (value = scale * y), 0 for a row of zeros.
float mica_quantize_row_s8(const float *x, int8_t *y, size_t count);
float mica_quantize_row_e4m3(const float *x, uint8_t *y, size_t count);
// Rounds a row of finite values to int4 with a scale for each group.
void mica_quantize_row_s4(const float *x, uint8_t *y, uint16_t *scales, size_t count);

// --- products of eight bits ----------------------------------------------------------------------------------------------------
// By row, the sum of its integers: what an offset of the other operand adds to a product.
void mica_sum_rows_s8(const int8_t *x, int32_t *sums, size_t rows, size_t columns);
// Rounds a row to 8 bits from its lowest to its highest value: value = scale * (y - zero). After GELU half of a symmetric range
// would go to waste. The scale is NaN for a row with a value that is not finite.
float mica_quantize_row_u8(const float *x, uint8_t *y, size_t count, int32_t *zero);
// Sums of products of u8 rows and s8 columns to floats: takes the rows' zeros out again and scales. y may be x if rows of both lie as
// far apart.
void mica_dequantize_rows(const int32_t *x, size_t x_stride, const float *row_scales, const int32_t *row_zeros,
                          const float *column_scales, const int32_t *column_sums, float *y, size_t rows, size_t columns, size_t stride);
// 1 if the CPU multiplies 8-bit values fast (AVX-512 VNNI).
int mica_has_s8_products(void);

// --- products as 16-bit integers with AVX2 (mica_has_avx2), some with AVX-512 and VNNI (mica_has_s8_products), too -----------------
// Rows of a group, and columns of a panel.
#define MICA_PAIR_ROWS 2
#define MICA_PAIR_COLUMNS 32
// Columns of a panel that are packed at once.
#define MICA_PACKED_COLUMNS 8
// Most elements of a slice whose integers share a scale.
#define MICA_SLICE 256
// A slice of rows as integers of 16 bits, two of which lie in a word and four of which make a unit, (elements + 3) / 4 of them; what is
// missing of a slice is 0. A group is [units, 2 rows, 2 words], a panel [units, 2 words, 32 rows].
typedef struct {
    uint32_t *words;
    // By row: what its integers are times; not used where they are themselves.
    float *scales;
    // By row: the sum that each product of the slice has too much, see products_avx2.c; modulo 2^32.
    uint32_t *excesses;
} mica_pairs;
// Rows of `elements`, `stride` apart, as groups.
void mica_pack_pairs_u8(const uint8_t *x, size_t stride, size_t rows, size_t elements, mica_pairs groups);
// Up to 32 rows as a panel.
void mica_pack_pairs_s8(const int8_t *x, size_t stride, size_t rows, size_t elements, mica_pairs panel);
// The same of floats, at most MICA_SLICE of each row: scales times integers, which are off by about 1 part in 10,000 of the slice by
// length (relative L2), 4.9 at most. Sums of products of two such slices fit 32 bits, whatever the values.
void mica_pack_scaled_rows(const float *x, size_t stride, size_t rows, size_t elements, mica_pairs groups);
// Up to 8 rows as as many columns, where these begin in a panel; zeros where there are fewer. Integers of a slice are as long as `length`
// at most: MICA_LENGTH for products with such rows, MICA_VALUE_LENGTH with the weights of mica_softmax_pairs.
#define MICA_LENGTH 46330.0f
#define MICA_VALUE_LENGTH 16370.0f
void mica_pack_scaled_columns(const float *x, size_t stride, size_t rows, size_t elements, float length, mica_pairs panel);
// sums [count * 2, 32] = groups * panel, or += it if `adds`: `units` of each.
void mica_product_pairs(mica_pairs groups, size_t count, mica_pairs panel, size_t units, int32_t *sums, int adds);
// The same of integers that have scales, sums being floats.
void mica_product_scaled_pairs(mica_pairs groups, size_t count, mica_pairs panel, size_t units, float *sums, int adds);
// Both with AVX-512 and VNNI (mica_has_s8_products).
void mica_product_pairs_vnni(mica_pairs groups, size_t count, mica_pairs panel, size_t units, int32_t *sums, int adds);
void mica_product_scaled_pairs_vnni(mica_pairs groups, size_t count, mica_pairs panel, size_t units, float *sums, int adds);

// Strassen's scheme of the same products, see strassen_avx2.c. A slice has up to 2 * MICA_SLICE elements; of up to 64 columns and any
// number of rows each seven parts are made, half as many columns and rows, and half as long.
#define MICA_STRASSEN_PARTS 7
// Units of a part of so many elements, and its rows, whole groups.
size_t mica_strassen_part_units(size_t elements);
size_t mica_strassen_part_rows(size_t rows);
// Rows of `elements`, `stride` apart, as the groups of all parts, one part after the other; scales are by row, excesses by part and row.
void mica_strassen_rows_f32(const float *x, size_t stride, size_t rows, size_t elements, mica_pairs groups);
void mica_strassen_rows_u8(const uint8_t *x, size_t stride, size_t rows, size_t elements, mica_pairs groups);
// A column's integers [2, MICA_SLICE], and the scale.
float mica_strassen_column_f32(const float *x, size_t elements, int16_t *halves);
void mica_strassen_column_s8(const int8_t *x, size_t elements, int16_t *halves);
// Integers [2, 8, 2, MICA_SLICE] of 8 of the first 32 columns and of the 8 that lie 32 behind, where they begin in each part's panel.
void mica_strassen_columns(const int16_t *columns, size_t elements, mica_pairs panels);
// A part's groups times its panel, where they belong in sums of two panels [rows * 2, 32], `panel_stride` apart. The first parts begin
// the sums, unless `adds`.
void mica_strassen_part(int part, mica_pairs groups, size_t rows, mica_pairs panel, size_t units, int32_t *sums, size_t panel_stride,
                        int adds);
// The same with AVX-512 and VNNI (mica_has_s8_products).
void mica_strassen_part_vnni(int part, mica_pairs groups, size_t rows, mica_pairs panel, size_t units, int32_t *sums,
                             size_t panel_stride, int adds);
// y = sums * scales by row and column, or += it if `adds`: a panel [rows, 32].
void mica_scale_sums(const int32_t *sums, size_t rows, const float *row_scales, const float *column_scales, float *y, int adds);

// Softmax of base 2 over a block of scores [rows, keys], in panels [rows, 32] of keys `stride` floats apart. Weights become groups of
// rows, of 8 units a panel. `visible`, the maximum and the sum are as in mica_softmax_block; what was accumulated is panels of as many
// floats.
void mica_softmax_pairs(float *scores, size_t rows, size_t stride, size_t keys, const int32_t *visible, float *maximum, float *sum,
                        float *accumulated, size_t accumulated_panels, mica_pairs groups);
// y [columns, rows] = x [rows, columns] transposed; rows of each lie their stride apart.
void mica_transpose(const float *x, size_t stride, size_t rows, size_t columns, float *y, size_t y_stride);

// --- matrix products, where the CPU has AVX-512 (f32), AVX-512 BF16 (bf16) and AVX-512 VNNI (u8s8) --------------------------------
// Up to 48 rows [rows, depth] as a panel [units, width], width being rows rounded up to 16: the same unit of all rows side by side. A
// unit is 4 bytes: a float, two bfloat16 (rounded), four 8-bit integers; what is missing at the end of a row is 0.
void mica_pack_rows_f32(const float *x, size_t rows, size_t depth, void *panel);
void mica_pack_rows_bf16(const float *x, size_t rows, size_t depth, void *panel);
void mica_pack_rows_u8(const uint8_t *x, size_t rows, size_t depth, void *panel);
// y = panel * weight, or y += it if `adds`: a panel of up to 48 rows, up to 8 rows of the weight (columns of y), `units` of each. Rows
// of the weight lie `weight_bytes` apart, those of y `y_stride` elements. The last one's sums are int32.
void mica_product_f32(const void *panel, size_t rows, size_t units, const void *weight, size_t weight_bytes, size_t columns, float *y,
                      size_t y_stride, int adds);
void mica_product_bf16(const void *panel, size_t rows, size_t units, const void *weight, size_t weight_bytes, size_t columns, float *y,
                       size_t y_stride, int adds);
void mica_product_u8s8(const void *panel, size_t rows, size_t units, const void *weight, size_t weight_bytes, size_t columns, float *y,
                       size_t y_stride, int adds);
// 1 if the CPU has matrix units (AMX) for bfloat16 and 8 bits, which oneDNN knows how to use.
int mica_has_amx(void);

// --- pictures, channels last ---------------------------------------------------------------------------------------------------
// The patches of `count` output pixels from `start` on, each kernel * kernel * channels values, zeros outside of the picture.
void mica_im2col(const float *x, size_t height, size_t width, size_t channels, size_t kernel, size_t stride, size_t top, size_t left,
                 size_t output_width, size_t start, size_t count, float *columns);
// Each pixel of rows `first ..< last` of x [height, width, channels] four times into y [2 * height, 2 * width, channels].
void mica_upsample_nearest(const float *x, size_t width, size_t channels, size_t first, size_t last, float *y);

// Asks the CPU for bytes that will be read soon.
void mica_prefetch(const void *bytes, size_t count);

// --- memory --------------------------------------------------------------------------------------------------------------------
// Gives freed memory of the C library's heap back to the system, where the library can do that.
void mica_trim_heap(void);
// From 256 KiB on, the heap takes memory from the system for each request and gives it back with it. Left alone, the C library raises
// that bound to the largest array that was ever freed, and from then on keeps as much. For the whole process, once is enough.
void mica_bound_heap(void);
// Moves pages of one mapping to where others are mapped, without copying what they hold. 0 if the system does not; the others may be
// gone then.
int mica_move_pages(void *from, void *to, size_t bytes);
