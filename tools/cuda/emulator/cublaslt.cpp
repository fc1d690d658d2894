// libcublasLt.so for the emulated driver: products as cuBLASLt's documentation defines them, column-major, one element at a time.
// Numbers of attributes come from CCUDA.h, which declarations.cpp holds against NVIDIA's headers.
// MICA_EMULATED_PRODUCTS=1 has the library not start; a test can have it refuse what comes behind sums, or bytes.
#include <dlfcn.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "CCUDA.h"

namespace {

struct Operation {
    std::map<int, std::string> attributes;

    template <class T>
    T get(int name, T fallback) const {
        const auto found = attributes.find(name);
        if (found == attributes.end() || found->second.size() != sizeof(T)) return fallback;
        T value;
        memcpy(&value, found->second.data(), sizeof value);
        return value;
    }
};

struct Layout {
    int type;
    uint64_t rows, columns;
    int64_t stride;
};

float at(const void *data, int type, size_t index) {
    if (type == MICA_R_32F) return ((const float *)data)[index];
    if (type == MICA_R_8I) return ((const signed char *)data)[index];
    if (type == MICA_R_32I) return (float)((const int *)data)[index];
    if (type == MICA_R_8F_E4M3) {
        const unsigned char code = ((const unsigned char *)data)[index];
        // All bits of a magnitude are NaN; there are no infinities.
        const float size = (code & 0x7f) == 0x7f ? NAN : code & 0x78 ? ldexpf(8 + (code & 7), ((code >> 3) & 15) - 10) : ldexpf(code & 7, -9);
        return code & 0x80 ? -size : size;
    }
    const uint32_t bits = (uint32_t)((const uint16_t *)data)[index] << 16;
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

void put(void *data, int type, size_t index, float x) {
    if (type == MICA_R_32F) { ((float *)data)[index] = x; return; }
    if (type == MICA_R_32I) { ((int *)data)[index] = (int)x; return; }
    uint32_t bits;
    memcpy(&bits, &x, 4);
    // Rounding may carry a NaN's fraction away: it gets a bit that stays.
    ((uint16_t *)data)[index] =
        (uint16_t)(x != x ? bits >> 16 | 0x40 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

constexpr int wayCount = 3;
thread_local bool refusesEpilogues = false, refusesBytes = false;

// Tells the emulated driver how long a way takes, and that it was taken.
void spend(void *stream, uint64_t way) {
    static void *const driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
    static auto *const count = (void (*)(void *, int))(driver ? dlsym(driver, "mica_emulated_product") : nullptr);
    if (count) count(stream, (int)way);
}

}  // namespace

extern "C" {

int cublasLtGetProperty(int property, int *value) { *value = 13 - property; return 0; }
int cublasLtCreate(void **handle) {
    const char *text = getenv("MICA_EMULATED_PRODUCTS");
    if (text) return atoi(text);
    *handle = malloc(1);
    return 0;
}
void mica_emulated_refuse_products(int kinds) {
    refusesEpilogues = kinds & 1;
    refusesBytes = kinds & 2;
}
int cublasLtDestroy(void *handle) { free(handle); return 0; }
int cublasLtMatmulDescCreate(void **descriptor, int, int) { *descriptor = new Operation; return 0; }
int cublasLtMatmulDescDestroy(void *descriptor) { delete (Operation *)descriptor; return 0; }
int cublasLtMatmulDescSetAttribute(void *descriptor, int name, const void *value, size_t bytes) {
    ((Operation *)descriptor)->attributes[name] = std::string((const char *)value, bytes);
    return 0;
}
int cublasLtMatrixLayoutCreate(void **layout, int type, uint64_t rows, uint64_t columns, int64_t stride) {
    *layout = new Layout{type, rows, columns, stride};
    return 0;
}
int cublasLtMatrixLayoutDestroy(void *layout) { delete (Layout *)layout; return 0; }
int cublasLtMatmulPreferenceCreate(void **preference) { *preference = new std::map<int, uint32_t>; return 0; }
int cublasLtMatmulPreferenceDestroy(void *preference) { delete (std::map<int, uint32_t> *)preference; return 0; }
int cublasLtMatmulPreferenceSetAttribute(void *preference, int name, const void *value, size_t bytes) {
    if (bytes == 4) memcpy(&(*(std::map<int, uint32_t> *)preference)[name], value, 4);
    return 0;
}
int cublasLtMatmulAlgoGetHeuristic(void *, void *descriptor, void *a, void *, void *, void *, void *, int requested, MicaMatmulHeuristic *results, int *found) {
    // As the real one: bytes want a depth that four divides.
    const int epilogue = ((Operation *)descriptor)->get<int>(MICA_MATMUL_EPILOGUE, MICA_EPILOGUE_DEFAULT);
    const bool refused = (((Layout *)a)->type == MICA_R_8I && (((Layout *)a)->rows % 4 || refusesBytes)) ||
                         (refusesEpilogues && epilogue != MICA_EPILOGUE_DEFAULT);
    // Three ways, of which the second is the fastest; all give the same.
    *found = refused ? 0 : std::min(requested, wayCount);
    for (int i = 0; i < *found; i++) {
        results[i] = {};
        results[i].algorithm.data[0] = i;
    }
    return refused ? 15 : 0;
}
int cublasLtMatmulAlgoCheck(void *, void *, void *, void *, void *, void *, const MicaMatmulAlgorithm *algorithm, MicaMatmulHeuristic *result) {
    *result = {};
    return algorithm->data[0] < wayCount ? 0 : 7;
}
int cublasLtMatmul(void *, void *descriptor, const void *alphaPointer, const void *a, void *aLayout, const void *b, void *bLayout, const void *,
                   const void *, void *, void *d, void *dLayout, const MicaMatmulAlgorithm *algorithm, void *, size_t, void *stream) {
    spend(stream, algorithm->data[0]);
    const auto &operation = *(Operation *)descriptor;
    const auto &A = *(Layout *)aLayout, &B = *(Layout *)bLayout, &D = *(Layout *)dLayout;
    const bool transposesA = operation.get<int>(MICA_MATMUL_TRANSA, MICA_OPERATION_N) == MICA_OPERATION_T;
    const bool transposesB = operation.get<int>(MICA_MATMUL_TRANSB, MICA_OPERATION_N) == MICA_OPERATION_T;
    const uint64_t m = transposesA ? A.columns : A.rows, k = transposesA ? A.rows : A.columns;
    const uint64_t n = transposesB ? B.rows : B.columns;
    if (m != D.rows || n != D.columns || k != (transposesB ? B.columns : B.rows)) return 7;
    const int epilogue = operation.get<int>(MICA_MATMUL_EPILOGUE, MICA_EPILOGUE_DEFAULT);
    const float *rowScales = operation.get<const float *>(MICA_MATMUL_A_SCALE_POINTER, nullptr);
    const float *columnScales = operation.get<const float *>(MICA_MATMUL_B_SCALE_POINTER, nullptr);
    const bool scales = operation.get<int>(MICA_MATMUL_A_SCALE_MODE, 0) == MICA_SCALE_OUTER_VECTOR;
    const void *bias = operation.get<const void *>(MICA_MATMUL_BIAS_POINTER, nullptr);
    float alpha = 1;
    if (D.type == MICA_R_32I) alpha = (float)*(const int *)alphaPointer;
    else memcpy(&alpha, alphaPointer, 4);
    for (uint64_t column = 0; column < n; column++)
        for (uint64_t row = 0; row < m; row++) {
            double sum = 0;
            for (uint64_t i = 0; i < k; i++)
                sum += (double)at(a, A.type, transposesA ? i + row * A.stride : row + i * A.stride) *
                       at(b, B.type, transposesB ? column + i * B.stride : i + column * B.stride);
            float x = alpha * (float)sum;
            if (scales) x *= rowScales[row] * columnScales[column];
            if (epilogue & MICA_EPILOGUE_BIAS) x += at(bias, D.type, row);
            if (epilogue & MICA_EPILOGUE_GELU) x = 0.5f * x * (1 + tanhf(0.7978845608f * (x + 0.044715f * x * x * x)));
            put(d, D.type, row + column * D.stride, x);
        }
    return 0;
}

}  // extern "C"
