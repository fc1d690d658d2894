// What Mica uses of the CUDA driver API, NVRTC, cuBLASLt, cuDNN and NVML, declared here so that nothing of CUDA is needed to build: the
// libraries are opened at run time, and each table of functions below is filled by name. tools/cuda/check.sh compares
// all of this with NVIDIA's own headers. Handles are void *, a device address is 64 bits, every function returns a status.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef uint64_t MicaDeviceAddress;

// --- values of NVIDIA's enumerations, as far as they are used ------------------------------------------------------------------
enum {
    MICA_CUDA_OUT_OF_MEMORY = 2,
    MICA_CUDA_NOT_READY = 600,
    MICA_CUDA_ALREADY_REGISTERED = 712,

    MICA_NVRTC_INVALID_OPTION = 5,

    MICA_DEVICE_MULTIPROCESSORS = 16,
    MICA_DEVICE_MAJOR = 75,
    MICA_DEVICE_MINOR = 76,
    MICA_DEVICE_SHARED_BYTES_OPTIN = 97,
    MICA_DEVICE_READ_ONLY_REGISTER = 113,

    MICA_STREAM_NON_BLOCKING = 1,
    MICA_EVENT_NO_TIMING = 2,
    MICA_REGISTER_PORTABLE = 1,
    MICA_REGISTER_READ_ONLY = 8,
    MICA_FUNCTION_SHARED_BYTES = 8,

    MICA_R_32F = 0,
    MICA_R_16F = 2,
    MICA_R_8I = 3,
    MICA_R_32I = 10,
    MICA_R_16BF = 14,
    MICA_R_8F_E4M3 = 28,
    MICA_COMPUTE_32F = 68,
    MICA_COMPUTE_32I = 72,
    MICA_OPERATION_N = 0,
    MICA_OPERATION_T = 1,

    MICA_MATMUL_TRANSA = 3,
    MICA_MATMUL_TRANSB = 4,
    MICA_MATMUL_EPILOGUE = 7,
    MICA_MATMUL_BIAS_POINTER = 8,
    MICA_MATMUL_A_SCALE_POINTER = 17,
    MICA_MATMUL_B_SCALE_POINTER = 18,
    MICA_MATMUL_FAST_ACCUMULATION = 25,
    MICA_MATMUL_BIAS_TYPE = 26,
    MICA_MATMUL_A_SCALE_MODE = 31,
    MICA_MATMUL_B_SCALE_MODE = 32,
    MICA_SCALE_OUTER_VECTOR = 3,
    MICA_EPILOGUE_DEFAULT = 1,
    MICA_EPILOGUE_BIAS = 4,
    MICA_EPILOGUE_GELU = 32,
    MICA_EPILOGUE_GELU_BIAS = 36,
    MICA_PREFERENCE_WORKSPACE_BYTES = 1,
    MICA_PREFERENCE_ALIGNMENT_A = 5,
    MICA_PREFERENCE_ALIGNMENT_B = 6,
    MICA_PREFERENCE_ALIGNMENT_C = 7,
    MICA_PREFERENCE_ALIGNMENT_D = 8,

    MICA_DNN_POINTWISE = 0,
    MICA_DNN_CONVOLUTION = 1,
    MICA_DNN_ENGINE = 2,
    MICA_DNN_ENGINE_HEURISTIC = 4,
    MICA_DNN_PLAN = 5,
    MICA_DNN_ENGINE_CONFIGURATION = 3,
    MICA_DNN_CONVOLUTION_FORWARD = 10,
    MICA_DNN_POINTWISE_OPERATION = 13,
    MICA_DNN_GRAPH = 15,
    MICA_DNN_VARIANTS = 16,
    MICA_DNN_TENSOR = 17,
    MICA_DNN_SDPA_FORWARD = 41,
    MICA_DNN_TYPE_HANDLE = 0,
    MICA_DNN_TYPE_DATA_TYPE = 1,
    MICA_DNN_TYPE_BOOLEAN = 2,
    MICA_DNN_TYPE_INT64 = 3,
    MICA_DNN_TYPE_FLOAT = 4,
    MICA_DNN_TYPE_POINTER = 6,
    MICA_DNN_TYPE_CONVOLUTION_MODE = 7,
    MICA_DNN_TYPE_HEURISTIC = 8,
    MICA_DNN_TYPE_NUMERICAL_NOTE = 11,
    MICA_DNN_TYPE_POINTWISE_MODE = 14,
    MICA_DNN_TYPE_DESCRIPTOR = 15,
    MICA_DNN_TYPE_BEHAVIOR_NOTE = 19,
    MICA_DNN_POINTWISE_MODE = 0,
    MICA_DNN_POINTWISE_PRECISION = 1,
    MICA_DNN_CONVOLUTION_PRECISION = 100,
    MICA_DNN_CONVOLUTION_MODE = 101,
    MICA_DNN_CONVOLUTION_DILATIONS = 102,
    MICA_DNN_CONVOLUTION_STRIDES = 103,
    MICA_DNN_CONVOLUTION_POST_PADDINGS = 104,
    MICA_DNN_CONVOLUTION_PRE_PADDINGS = 105,
    MICA_DNN_CONVOLUTION_SPATIAL_DIMENSIONS = 106,
    MICA_DNN_HEURISTIC_MODE = 200,
    MICA_DNN_HEURISTIC_GRAPH = 201,
    MICA_DNN_HEURISTIC_RESULTS = 202,
    MICA_DNN_CONFIGURATION_ENGINE = 300,
    MICA_DNN_PLAN_HANDLE = 400,
    MICA_DNN_PLAN_CONFIGURATION = 401,
    MICA_DNN_PLAN_WORKSPACE_BYTES = 402,
    MICA_DNN_FORWARD_ALPHA = 700,
    MICA_DNN_FORWARD_BETA = 701,
    MICA_DNN_FORWARD_CONVOLUTION = 702,
    MICA_DNN_FORWARD_WEIGHT = 703,
    MICA_DNN_FORWARD_INPUT = 704,
    MICA_DNN_FORWARD_OUTPUT = 705,
    MICA_DNN_POINTWISE_KIND = 750,
    MICA_DNN_POINTWISE_INPUT = 751,
    MICA_DNN_POINTWISE_ADDEND = 752,
    MICA_DNN_POINTWISE_OUTPUT = 753,
    MICA_DNN_GRAPH_HANDLE = 800,
    MICA_DNN_GRAPH_OPERATIONS = 801,
    MICA_DNN_TENSOR_ALIGNMENT = 900,
    MICA_DNN_TENSOR_DATA_TYPE = 901,
    MICA_DNN_TENSOR_DIMENSIONS = 902,
    MICA_DNN_TENSOR_STRIDES = 903,
    MICA_DNN_TENSOR_ID = 906,
    MICA_DNN_TENSOR_IS_VIRTUAL = 907,
    MICA_DNN_TENSOR_IS_BY_VALUE = 908,
    MICA_DNN_VARIANT_IDS = 1000,
    MICA_DNN_VARIANT_POINTERS = 1001,
    MICA_DNN_VARIANT_WORKSPACE = 1003,
    MICA_DNN_ENGINE_NUMERICAL_NOTES = 1303,
    MICA_DNN_ENGINE_BEHAVIOR_NOTES = 1305,
    MICA_DNN_SDPA_QUERY = 2800,
    MICA_DNN_SDPA_KEY = 2801,
    MICA_DNN_SDPA_VALUE = 2802,
    MICA_DNN_SDPA_OUTPUT = 2803,
    MICA_DNN_SDPA_SCALE = 2805,
    MICA_DNN_HEURISTIC_MODE_A = 3,
    MICA_DNN_HEURISTIC_MODE_FALLBACK = 2,
    MICA_DNN_CROSS_CORRELATION = 1,
    MICA_DNN_ADD = 0,
    MICA_DNN_USES_MATRIX_UNITS = 0,
    MICA_DNN_COMPILES = 0,
    MICA_DNN_FLOAT = 0,
    MICA_DNN_BFLOAT16 = 9
};

// --- structures ----------------------------------------------------------------------------------------------------------------
// cublasLtMatmulAlgo_t, cublasLtMatmulHeuristicResult_t
typedef struct {
    uint64_t data[8];
} MicaMatmulAlgorithm;
typedef struct {
    MicaMatmulAlgorithm algorithm;
    size_t workspaceBytes;
    int state;
    float waves;
    int reserved[4];
} MicaMatmulHeuristic;

// nvmlMemory_t
typedef struct {
    unsigned long long totalBytes, freeBytes, usedBytes;
} MicaDeviceMemory;

// --- functions by library: name and parameters, and the table of pointers to them, filled by name ---------------------------------
// Names are those of the symbols, version suffix included: the headers' macros stand between the two. Fields are nonnull, so that Swift
// calls one as it is: a table is not handed out before each of its fields is found.
enum {
    MICA_LIBRARY_DRIVER = 0,
    MICA_LIBRARY_NVRTC = 1,
    MICA_LIBRARY_CUBLASLT = 2,
    MICA_LIBRARY_CUDNN = 3,
    MICA_LIBRARY_NVML = 4
};
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wnullability-completeness"
#define MICA_FIELD(name, parameters) int(*_Nonnull name) parameters;
#else
#define MICA_FIELD(name, parameters) int(*name) parameters;
#endif

#define MICA_CUDA_DRIVER(X)                                                                                                        \
    X(cuInit, (unsigned flags))                                                                                                    \
    X(cuDriverGetVersion, (int *version))                                                                                          \
    X(cuGetErrorName, (int code, const char **text))                                                                               \
    X(cuGetErrorString, (int code, const char **text))                                                                             \
    X(cuDeviceGetCount, (int *count))                                                                                              \
    X(cuDeviceGet, (int *device, int ordinal))                                                                                     \
    X(cuDeviceGetName, (char *name, int size, int device))                                                                         \
    X(cuDeviceGetPCIBusId, (char *text, int size, int device))                                                                     \
    X(cuDeviceGetAttribute, (int *value, int attribute, int device))                                                               \
    X(cuDeviceTotalMem_v2, (size_t *bytes, int device))                                                                            \
    X(cuDevicePrimaryCtxRetain, (void **context, int device))                                                                      \
    X(cuDevicePrimaryCtxRelease_v2, (int device))                                                                                  \
    X(cuDevicePrimaryCtxReset_v2, (int device))                                                                                    \
    X(cuCtxSetCurrent, (void *context))                                                                                            \
    X(cuCtxSynchronize, (void))                                                                                                    \
    X(cuMemGetInfo_v2, (size_t *free, size_t *total))                                                                              \
    X(cuMemAlloc_v2, (MicaDeviceAddress *address, size_t bytes))                                                                   \
    X(cuMemFree_v2, (MicaDeviceAddress address))                                                                                   \
    X(cuMemAllocHost_v2, (void **address, size_t bytes))                                                                           \
    X(cuMemFreeHost, (void *address))                                                                                              \
    X(cuMemHostRegister_v2, (void *address, size_t bytes, unsigned flags))                                                         \
    X(cuMemHostUnregister, (void *address))                                                                                        \
    X(cuMemcpyHtoDAsync_v2, (MicaDeviceAddress to, const void *from, size_t bytes, void *stream))                                  \
    X(cuMemcpyDtoHAsync_v2, (void *to, MicaDeviceAddress from, size_t bytes, void *stream))                                        \
    X(cuStreamCreate, (void **stream, unsigned flags))                                                                             \
    X(cuStreamDestroy_v2, (void *stream))                                                                                          \
    X(cuStreamSynchronize, (void *stream))                                                                                         \
    X(cuStreamWaitEvent, (void *stream, void *event, unsigned flags))                                                              \
    X(cuEventCreate, (void **event, unsigned flags))                                                                               \
    X(cuEventDestroy_v2, (void *event))                                                                                            \
    X(cuEventRecord, (void *event, void *stream))                                                                                  \
    X(cuEventQuery, (void *event))                                                                                                 \
    X(cuEventSynchronize, (void *event))                                                                                           \
    X(cuEventElapsedTime, (float *milliseconds, void *start, void *end))                                                           \
    X(cuModuleLoadData, (void **module, const void *image))                                                                        \
    X(cuModuleUnload, (void *module))                                                                                              \
    X(cuModuleGetFunction, (void **function, void *module, const char *name))                                                      \
    X(cuFuncSetAttribute, (void *function, int attribute, int value))                                                              \
    X(cuLaunchKernel, (void *function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY,           \
                       unsigned blockZ, unsigned sharedBytes, void *stream, void **parameters, void **extra))
typedef struct {
    MICA_CUDA_DRIVER(MICA_FIELD)
} MicaCUDADriver;

#define MICA_NVRTC(X)                                                                                                              \
    X(nvrtcVersion, (int *major, int *minor))                                                                                      \
    X(nvrtcCreateProgram, (void **program, const char *source, const char *name, int headerCount, const char *const *headers,      \
                           const char *const *headerNames))                                                                        \
    X(nvrtcDestroyProgram, (void **program))                                                                                       \
    X(nvrtcCompileProgram, (void *program, int optionCount, const char *const *options))                                           \
    X(nvrtcGetCUBINSize, (void *program, size_t *bytes))                                                                           \
    X(nvrtcGetCUBIN, (void *program, char *cubin))                                                                                 \
    X(nvrtcGetProgramLogSize, (void *program, size_t *bytes))                                                                      \
    X(nvrtcGetProgramLog, (void *program, char *log))
typedef struct {
    MICA_NVRTC(MICA_FIELD)
} MicaNVRTC;

#define MICA_CUBLASLT(X)                                                                                                           \
    X(cublasLtCreate, (void **handle))                                                                                             \
    X(cublasLtDestroy, (void *handle))                                                                                             \
    X(cublasLtGetProperty, (int property, int *value))                                                                             \
    X(cublasLtMatmulDescCreate, (void **descriptor, int computeType, int scaleType))                                               \
    X(cublasLtMatmulDescDestroy, (void *descriptor))                                                                               \
    X(cublasLtMatmulDescSetAttribute, (void *descriptor, int attribute, const void *value, size_t bytes))                          \
    X(cublasLtMatrixLayoutCreate, (void **layout, int type, uint64_t rows, uint64_t columns, int64_t stride))                      \
    X(cublasLtMatrixLayoutDestroy, (void *layout))                                                                                 \
    X(cublasLtMatmulPreferenceCreate, (void **preference))                                                                         \
    X(cublasLtMatmulPreferenceDestroy, (void *preference))                                                                         \
    X(cublasLtMatmulPreferenceSetAttribute, (void *preference, int attribute, const void *value, size_t bytes))                    \
    X(cublasLtMatmulAlgoGetHeuristic, (void *handle, void *operation, void *a, void *b, void *c, void *d, void *preference,        \
                                       int requested, MicaMatmulHeuristic *results, int *found))                                   \
    X(cublasLtMatmulAlgoCheck, (void *handle, void *operation, void *a, void *b, void *c, void *d,                                 \
                                const MicaMatmulAlgorithm *algorithm, MicaMatmulHeuristic *result))                                \
    X(cublasLtMatmul, (void *handle, void *operation, const void *alpha, const void *a, void *aLayout, const void *b, void *bLayout, \
                       const void *beta, const void *c, void *cLayout, void *d, void *dLayout, const MicaMatmulAlgorithm *algorithm, \
                       void *workspace, size_t workspaceBytes, void *stream))
typedef struct {
    MICA_CUBLASLT(MICA_FIELD)
} MicaCUBLASLt;

#define MICA_CUDNN(X)                                                                                                              \
    X(cudnnCreate, (void **handle))                                                                                                \
    X(cudnnDestroy, (void *handle))                                                                                                \
    X(cudnnSetStream, (void *handle, void *stream))                                                                                \
    X(cudnnBackendCreateDescriptor, (int type, void **descriptor))                                                                 \
    X(cudnnBackendDestroyDescriptor, (void *descriptor))                                                                           \
    X(cudnnBackendSetAttribute, (void *descriptor, int name, int type, int64_t count, const void *elements))                       \
    X(cudnnBackendGetAttribute, (void *descriptor, int name, int type, int64_t requested, int64_t *count, void *elements))         \
    X(cudnnBackendFinalize, (void *descriptor))                                                                                    \
    X(cudnnBackendExecute, (void *handle, void *plan, void *variants))
typedef struct {
    MICA_CUDNN(MICA_FIELD)
} MicaCUDNN;

#define MICA_NVML(X)                                                                                                               \
    X(nvmlInit_v2, (void))                                                                                                         \
    X(nvmlDeviceGetHandleByPciBusId_v2, (const char *text, void **device))                                                         \
    X(nvmlDeviceGetMemoryInfo, (void *device, MicaDeviceMemory *memory))
typedef struct {
    MICA_NVML(MICA_FIELD)
} MicaNVML;

// A driver without a device, for rehearsals: memory is an address alone, all work is done when it is asked for, and none is done.
MicaCUDADriver mica_cuda_rehearsal(void);

// The names of a library's table, in the table's order, ended by NULL. Swift cannot walk the fields of a struct itself.
const char *const *mica_cuda_symbols(int library);
#undef MICA_FIELD
#ifdef __clang__
#pragma clang diagnostic pop
#endif
