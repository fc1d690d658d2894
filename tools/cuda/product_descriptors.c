// Sets on the real cuBLASLt, without a device, every attribute that MatrixProducts.swift sets, with the sizes that it uses, and sees
// that a handle is refused with a status and not with a crash.
#include <dlfcn.h>
#include <stdio.h>

#include "CCUDA.h"

int main(int count, char **arguments) {
    void *library = count > 1 ? dlopen(arguments[1], RTLD_NOW | RTLD_GLOBAL) : NULL;
    if (!library) return fprintf(stderr, "usage: product_descriptors path/of/libcublasLt.so (%s)\n", count > 1 ? dlerror() : ""), 2;
    MicaCUBLASLt lt;
    const char *const *names = mica_cuda_symbols(MICA_LIBRARY_CUBLASLT);
    for (int i = 0; names[i]; i++)
        if (!(((void **)&lt)[i] = dlsym(library, names[i]))) return fprintf(stderr, "no %s\n", names[i]), 1;
    int failures = 0;
#define EXPECT(call)                                                       \
    do {                                                                   \
        const int code = (call);                                           \
        if (code) printf("%s answered %d\n", #call, code), failures++;     \
    } while (0)
    void *operation = NULL, *layout = NULL, *preference = NULL, *handle = NULL;
    EXPECT(lt.cublasLtMatmulDescCreate(&operation, MICA_COMPUTE_32F, MICA_R_32F));
    const int32_t transposed = MICA_OPERATION_T, plain = MICA_OPERATION_N, fast = 1, mode = MICA_SCALE_OUTER_VECTOR;
    const uint64_t pointer = 4096, workspace = 32 << 20;
    const uint32_t alignment = 16;
    EXPECT(lt.cublasLtMatmulDescSetAttribute(operation, MICA_MATMUL_TRANSA, &transposed, sizeof transposed));
    EXPECT(lt.cublasLtMatmulDescSetAttribute(operation, MICA_MATMUL_TRANSB, &plain, sizeof plain));
    const int32_t epilogues[] = {MICA_EPILOGUE_DEFAULT, MICA_EPILOGUE_BIAS, MICA_EPILOGUE_GELU, MICA_EPILOGUE_GELU_BIAS};
    for (int i = 0; i < 4; i++) EXPECT(lt.cublasLtMatmulDescSetAttribute(operation, MICA_MATMUL_EPILOGUE, &epilogues[i], sizeof(int32_t)));
    EXPECT(lt.cublasLtMatmulDescSetAttribute(operation, MICA_MATMUL_BIAS_POINTER, &pointer, sizeof pointer));
    EXPECT(lt.cublasLtMatmulDescSetAttribute(operation, MICA_MATMUL_A_SCALE_POINTER, &pointer, sizeof pointer));
    EXPECT(lt.cublasLtMatmulDescSetAttribute(operation, MICA_MATMUL_B_SCALE_POINTER, &pointer, sizeof pointer));
    EXPECT(lt.cublasLtMatmulDescSetAttribute(operation, MICA_MATMUL_A_SCALE_MODE, &mode, sizeof mode));
    EXPECT(lt.cublasLtMatmulDescSetAttribute(operation, MICA_MATMUL_B_SCALE_MODE, &mode, sizeof mode));
    const int8_t accumulation = (int8_t)fast;
    EXPECT(lt.cublasLtMatmulDescSetAttribute(operation, MICA_MATMUL_FAST_ACCUMULATION, &accumulation, sizeof accumulation));
    const int32_t types[] = {MICA_R_32F, MICA_R_16BF, MICA_R_8F_E4M3, MICA_R_8I, MICA_R_32I};
    for (int i = 0; i < 5; i++) {
        EXPECT(lt.cublasLtMatrixLayoutCreate(&layout, types[i], 3072, 9856, 3072));
        EXPECT(lt.cublasLtMatrixLayoutDestroy(layout));
    }
    EXPECT(lt.cublasLtMatmulPreferenceCreate(&preference));
    EXPECT(lt.cublasLtMatmulPreferenceSetAttribute(preference, MICA_PREFERENCE_WORKSPACE_BYTES, &workspace, sizeof workspace));
    for (int name = MICA_PREFERENCE_ALIGNMENT_A; name <= MICA_PREFERENCE_ALIGNMENT_D; name++)
        EXPECT(lt.cublasLtMatmulPreferenceSetAttribute(preference, name, &alignment, sizeof alignment));
    EXPECT(lt.cublasLtMatmulPreferenceDestroy(preference));
    EXPECT(lt.cublasLtMatmulDescDestroy(operation));
    const int created = lt.cublasLtCreate(&handle);
    printf("cublasLtCreate answers %d%s; %d attributes refused\n", created, created ? " without a device, as it should" : "", failures);
    return failures ? 1 : 0;
}
