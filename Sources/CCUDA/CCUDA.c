#include "CCUDA.h"

#define NAME(name, parameters) #name,
static const char *const driver[] = {MICA_CUDA_DRIVER(NAME) 0};
static const char *const nvrtc[] = {MICA_NVRTC(NAME) 0};
static const char *const cublaslt[] = {MICA_CUBLASLT(NAME) 0};
static const char *const cudnn[] = {MICA_CUDNN(NAME) 0};

_Static_assert(sizeof(MicaCUDADriver) == sizeof(driver) - sizeof(char *), "a field a name");
_Static_assert(sizeof(MicaNVRTC) == sizeof(nvrtc) - sizeof(char *), "a field a name");
_Static_assert(sizeof(MicaCUBLASLt) == sizeof(cublaslt) - sizeof(char *), "a field a name");
_Static_assert(sizeof(MicaCUDNN) == sizeof(cudnn) - sizeof(char *), "a field a name");

const char *const *mica_cuda_symbols(int library) {
    switch (library) {
    case MICA_LIBRARY_DRIVER: return driver;
    case MICA_LIBRARY_NVRTC: return nvrtc;
    case MICA_LIBRARY_CUBLASLT: return cublaslt;
    default: return cudnn;
    }
}
