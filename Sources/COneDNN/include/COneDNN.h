// Matrix products through oneDNN, as few calls that mean the same under its versions 2 and 3.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Element types of the operands.
enum { MICA_DNNL_F32 = 0, MICA_DNNL_BF16 = 1, MICA_DNNL_S8 = 2, MICA_DNNL_U8 = 3, MICA_DNNL_S32 = 4 };

// A product y [m, n] = x [m, k] · wᵀ, w [n, k], of one shape; may be executed by several threads at once.
typedef struct mica_dnnl_product mica_dnnl_product;

// Prepares a product; rows of x, w and y lie `x_stride`, `w_stride` and `y_stride` elements apart. NULL if oneDNN cannot compute it.
mica_dnnl_product *mica_dnnl_product_create(int64_t m, int64_t n, int64_t k, int64_t x_stride, int64_t w_stride, int64_t y_stride,
                                            int x_type, int w_type, int y_type);

// Bytes of scratch memory that each concurrent call of `execute` needs.
size_t mica_dnnl_product_scratch(const mica_dnnl_product *product);

// Computes on the calling thread alone. Returns 0, or oneDNN's status.
int mica_dnnl_product_execute(const mica_dnnl_product *product, const void *x, const void *w, void *y, void *scratch);

void mica_dnnl_product_destroy(mica_dnnl_product *product);
