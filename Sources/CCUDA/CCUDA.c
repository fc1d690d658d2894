#include "CCUDA.h"

#include <stdatomic.h>

#define NAME(name, parameters) #name,
static const char *const driver[] = {MICA_CUDA_DRIVER(NAME) 0};
static const char *const nvrtc[] = {MICA_NVRTC(NAME) 0};
static const char *const cublaslt[] = {MICA_CUBLASLT(NAME) 0};
static const char *const cudnn[] = {MICA_CUDNN(NAME) 0};
static const char *const nvml[] = {MICA_NVML(NAME) 0};

_Static_assert(sizeof(MicaCUDADriver) == sizeof(driver) - sizeof(char *), "a field a name");
_Static_assert(sizeof(MicaNVRTC) == sizeof(nvrtc) - sizeof(char *), "a field a name");
_Static_assert(sizeof(MicaCUBLASLt) == sizeof(cublaslt) - sizeof(char *), "a field a name");
_Static_assert(sizeof(MicaCUDNN) == sizeof(cudnn) - sizeof(char *), "a field a name");
_Static_assert(sizeof(MicaNVML) == sizeof(nvml) - sizeof(char *), "a field a name");

const char *const *mica_cuda_symbols(int library) {
    switch (library) {
    case MICA_LIBRARY_DRIVER: return driver;
    case MICA_LIBRARY_NVRTC: return nvrtc;
    case MICA_LIBRARY_CUBLASLT: return cublaslt;
    case MICA_LIBRARY_CUDNN: return cudnn;
    default: return nvml;
    }
}

#define REHEARSED(name, parameters) \
    static int rehearsed_##name parameters { return 0; }
MICA_CUDA_DRIVER(REHEARSED)

// Addresses are as far apart as blocks are large, and aligned as the driver aligns them.
static int rehearsedAllocation(MicaDeviceAddress *address, size_t bytes) {
    static _Atomic uint64_t next = 1 << 20;
    *address = atomic_fetch_add(&next, (bytes + 511) / 512 * 512);
    return 0;
}

// Something that is not null, which nobody looks into.
static int rehearsedHandle(void **handle) {
    static char something[4096];
    *handle = something;
    return 0;
}
static int rehearsedHostAllocation(void **address, size_t bytes) { return rehearsedHandle(address); }
static int rehearsedCreation(void **handle, unsigned flags) { return rehearsedHandle(handle); }

// A device is behind whoever asks it for work, so that kept blocks are still being read: the most memory that can be.
static int rehearsedQuery(void *event) { return MICA_CUDA_NOT_READY; }

MicaCUDADriver mica_cuda_rehearsal(void) {
#define REHEARSED_FIELD(name, parameters) .name = rehearsed_##name,
    MicaCUDADriver driver = {MICA_CUDA_DRIVER(REHEARSED_FIELD)};
    driver.cuMemAlloc_v2 = rehearsedAllocation;
    driver.cuMemAllocHost_v2 = rehearsedHostAllocation;
    driver.cuStreamCreate = rehearsedCreation;
    driver.cuEventCreate = rehearsedCreation;
    driver.cuEventQuery = rehearsedQuery;
    return driver;
}
