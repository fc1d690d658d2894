#include "COneDNN.h"
#include <oneapi/dnnl/dnnl.h>
#include <stdlib.h>

// oneDNN's threads are OpenMP's: each of our own threads asks for no others. Declared here because clang has no omp.h everywhere.
void omp_set_num_threads(int count);

struct mica_dnnl_product {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t primitive;
    // Pointers from version 3 on, structures before.
    dnnl_memory_desc_t x, w, y, scratch;
    size_t scratch_bytes;
};

static dnnl_data_type_t type_of(int type) {
    switch (type) {
    case MICA_DNNL_BF16: return dnnl_bf16;
    case MICA_DNNL_S8: return dnnl_s8;
    case MICA_DNNL_U8: return dnnl_u8;
    case MICA_DNNL_S32: return dnnl_s32;
    default: return dnnl_f32;
    }
}

static int describe(dnnl_memory_desc_t *desc, int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride, int type) {
    const dnnl_dims_t dims = {rows, columns}, strides = {row_stride, column_stride};
#if DNNL_VERSION_MAJOR >= 3
    return dnnl_memory_desc_create_with_strides(desc, 2, dims, type_of(type), strides);
#else
    return dnnl_memory_desc_init_by_strides(desc, 2, dims, type_of(type), strides);
#endif
}

// A primitive that takes its scratch memory from the caller: only then may threads share it.
static int create_primitive(mica_dnnl_product *p) {
    dnnl_primitive_attr_t attributes;
    if (dnnl_primitive_attr_create(&attributes)) return 1;
    dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
    dnnl_primitive_desc_t description = NULL;
#if DNNL_VERSION_MAJOR >= 3
    int status = dnnl_matmul_primitive_desc_create(&description, p->engine, p->x, p->w, NULL, p->y, attributes);
#else
    dnnl_matmul_desc_t operation;
    int status = dnnl_matmul_desc_init(&operation, &p->x, &p->w, NULL, &p->y);
    if (!status) status = dnnl_primitive_desc_create(&description, &operation, attributes, p->engine, NULL);
#endif
    dnnl_primitive_attr_destroy(attributes);
    if (status) return status;
#if DNNL_VERSION_MAJOR >= 3
    const_dnnl_memory_desc_t scratch = dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
    dnnl_memory_desc_clone(&p->scratch, scratch);
    p->scratch_bytes = dnnl_memory_desc_get_size(scratch);
#else
    p->scratch = *dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
    p->scratch_bytes = dnnl_memory_desc_get_size(&p->scratch);
#endif
    status = dnnl_primitive_create(&p->primitive, description);
    dnnl_primitive_desc_destroy(description);
    return status;
}

mica_dnnl_product *mica_dnnl_product_create(int64_t m, int64_t n, int64_t k, int64_t x_stride, int64_t w_stride, int64_t y_stride,
                                            int x_type, int w_type, int y_type) {
    omp_set_num_threads(1);
    mica_dnnl_product *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    if (dnnl_engine_create(&p->engine, dnnl_cpu, 0) || dnnl_stream_create(&p->stream, p->engine, dnnl_stream_default_flags)
        || describe(&p->x, m, k, x_stride, 1, x_type) || describe(&p->w, k, n, 1, w_stride, w_type)
        || describe(&p->y, m, n, y_stride, 1, y_type) || create_primitive(p)) {
        mica_dnnl_product_destroy(p);
        return NULL;
    }
    return p;
}

size_t mica_dnnl_product_scratch(const mica_dnnl_product *p) { return p->scratch_bytes; }

#if DNNL_VERSION_MAJOR >= 3
#define DESC(field) (p->field)
#else
#define DESC(field) (&p->field)
#endif

int mica_dnnl_product_execute(const mica_dnnl_product *p, const void *x, const void *w, void *y, void *scratch) {
    omp_set_num_threads(1);
    dnnl_memory_t memories[4] = {0};
    int status = dnnl_memory_create(&memories[0], DESC(x), p->engine, (void *)x);
    if (!status) status = dnnl_memory_create(&memories[1], DESC(w), p->engine, (void *)w);
    if (!status) status = dnnl_memory_create(&memories[2], DESC(y), p->engine, y);
    if (!status) status = dnnl_memory_create(&memories[3], DESC(scratch), p->engine, scratch);
    if (!status) {
        const dnnl_exec_arg_t arguments[4] = {{DNNL_ARG_SRC, memories[0]},
                                              {DNNL_ARG_WEIGHTS, memories[1]},
                                              {DNNL_ARG_DST, memories[2]},
                                              {DNNL_ARG_SCRATCHPAD, memories[3]}};
        status = dnnl_primitive_execute(p->primitive, p->stream, 4, arguments);
    }
    if (!status) status = dnnl_stream_wait(p->stream);
    for (int i = 0; i < 4; i++)
        if (memories[i]) dnnl_memory_destroy(memories[i]);
    return status;
}

void mica_dnnl_product_destroy(mica_dnnl_product *p) {
    if (!p) return;
#if DNNL_VERSION_MAJOR >= 3
    if (p->x) dnnl_memory_desc_destroy(p->x);
    if (p->w) dnnl_memory_desc_destroy(p->w);
    if (p->y) dnnl_memory_desc_destroy(p->y);
    if (p->scratch) dnnl_memory_desc_destroy(p->scratch);
#endif
    if (p->primitive) dnnl_primitive_destroy(p->primitive);
    if (p->stream) dnnl_stream_destroy(p->stream);
    if (p->engine) dnnl_engine_destroy(p->engine);
    free(p);
}
