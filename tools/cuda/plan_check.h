// What the checks of plans share: the real cuDNN's graph API without a device, whose properties are given as text.
#pragma once
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CCUDA.h"

// Not used by Mica itself: cudnn_graph.h, checked by its own refusal if they were wrong.
enum { DEVICE_PROPERTIES = 38, PROPERTIES_TEXT = 2702, HEURISTIC_PROPERTIES = 204, PLAN_PROPERTIES = 407, TYPE_CHAR = 24 };

struct Card {
    const char *name;
    int version, multiprocessors, sharedBytes;
};

static MicaCUDNN dnn;
static void (*lastError)(char *, size_t);

static void *descriptor(int type) {
    void *result = NULL;
    if (dnn.cudnnBackendCreateDescriptor(type, &result)) abort();
    return result;
}

static int set(void *target, int name, int type, int64_t count, const void *elements) {
    return dnn.cudnnBackendSetAttribute(target, name, type, count, elements);
}

static void *tensor(int64_t id, int type, const int64_t *dimensions, const int64_t *strides, int flag) {
    const _Bool yes = 1;
    void *t = descriptor(MICA_DNN_TENSOR);
    const int64_t alignment = 16;
    set(t, MICA_DNN_TENSOR_DATA_TYPE, MICA_DNN_TYPE_DATA_TYPE, 1, &type);
    set(t, MICA_DNN_TENSOR_DIMENSIONS, MICA_DNN_TYPE_INT64, 4, dimensions);
    set(t, MICA_DNN_TENSOR_STRIDES, MICA_DNN_TYPE_INT64, 4, strides);
    set(t, MICA_DNN_TENSOR_ID, MICA_DNN_TYPE_INT64, 1, &id);
    set(t, MICA_DNN_TENSOR_ALIGNMENT, MICA_DNN_TYPE_INT64, 1, &alignment);
    if (flag) set(t, flag, MICA_DNN_TYPE_BOOLEAN, 1, &yes);
    return dnn.cudnnBackendFinalize(t) ? NULL : t;
}

static void *properties(const struct Card *card) {
    char text[2048];
    snprintf(text, sizeof text,
             "{\"maxGridSize\":[2147483647,65535,65535],\"maxBlockSize\":[1024,1024,64],\"deviceVer\":%d,\"driverVer\":13000,"
             "\"regsPerBlock\":65536,\"multiProcessorCount\":%d,\"smCountOrigin\":0,\"warpSize\":32,\"maxSharedMemoryPerBlock\":49152,"
             "\"maxSharedMemoryPerBlockOptin\":%d,\"oversizedSharedMemoryPerBlock\":%d,\"reservedSharedMemoryPerBlock\":1024,"
             "\"maxRegistersPerSM\":65536,\"maxCtasPerSM\":24,\"maxThreadsPerBlock\":1024,\"maxThreadsPerSM\":1536,\"pciDeviceId\":0,"
             "\"isTccDriver\":0,\"supportCoopLaunch\":1,\"smClockRateKHz\":1980000,\"memClockRateKHz\":3201000,\"memoryBusWidth\":6144,"
             "\"l2CacheSize\":62914560,\"totalGlobalMem\":150000000000,\"cudaDeviceId\":0,\"deviceName\":\"%s\"}",
             card->version, card->multiprocessors, card->sharedBytes, card->sharedBytes, card->name);
    void *p = descriptor(DEVICE_PROPERTIES);
    set(p, PROPERTIES_TEXT, TYPE_CHAR, (int64_t)strlen(text) + 1, text);
    return dnn.cudnnBackendFinalize(p) ? NULL : p;
}

static const struct Card cards[] = {{"A100", 800, 108, 166912}, {"3090", 860, 82, 101376},   {"4090", 890, 128, 101376},
                                    {"H200", 900, 132, 232448}, {"B200", 1000, 148, 232448}, {"5090", 1200, 170, 101376},
                                    {"Orin", 870, 16, 166912}, {"Thor", 1100, 20, 232448},  {"GB10", 1210, 48, 101376}};
enum { CARD_COUNT = sizeof cards / sizeof *cards };

// Opens libcudnn.so.9, whose path is the command's argument; what the process is to answer, or 0.
static int openLibrary(int count, char **arguments) {
    void *library = count > 1 ? dlopen(arguments[1], RTLD_NOW | RTLD_GLOBAL) : NULL;
    if (!library) return fprintf(stderr, "usage: %s path/of/libcudnn.so.9 (%s)\n", arguments[0], count > 1 ? dlerror() : ""), 2;
    const char *const *names = mica_cuda_symbols(MICA_LIBRARY_CUDNN);
    for (int i = 0; names[i]; i++)
        if (!(((void **)&dnn)[i] = dlsym(library, names[i]))) return fprintf(stderr, "no %s\n", names[i]), 1;
    *(void **)&lastError = dlsym(library, "cudnnGetLastErrorString");
    return 0;
}

// The proposals that cuDNN has for a graph on a device described by `p`, up to `most`; how many.
static int64_t proposals(void *g, void *p, int mode, int64_t most, void **configurations) {
    void *heuristic = descriptor(MICA_DNN_ENGINE_HEURISTIC);
    int64_t found = 0;
    for (int64_t i = 0; i < most; i++) configurations[i] = descriptor(MICA_DNN_ENGINE_CONFIGURATION);
    const int code = !p || set(heuristic, MICA_DNN_HEURISTIC_GRAPH, MICA_DNN_TYPE_DESCRIPTOR, 1, &g) ||
                     set(heuristic, MICA_DNN_HEURISTIC_MODE, MICA_DNN_TYPE_HEURISTIC, 1, &mode) ||
                     set(heuristic, HEURISTIC_PROPERTIES, MICA_DNN_TYPE_DESCRIPTOR, 1, &p) || dnn.cudnnBackendFinalize(heuristic);
    if (!code)
        dnn.cudnnBackendGetAttribute(heuristic, MICA_DNN_HEURISTIC_RESULTS, MICA_DNN_TYPE_DESCRIPTOR, most, &found, configurations);
    return found < most ? found : most;
}
