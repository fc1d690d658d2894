// Asks the real cuDNN, without a device, whether it has a plan for the attention graph that AttentionPlans.swift builds: device
// properties are given as text, and cuDNN's heuristics and compiler run on the host. check.sh runs it with a stub of libcuda.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CCUDA.h"

// Not used by Mica itself: cudnn_graph.h, checked by its own refusal if they were wrong.
enum { DEVICE_PROPERTIES = 38, PROPERTIES_TEXT = 2702, HEURISTIC_PROPERTIES = 204, TYPE_CHAR = 24 };

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

static void *tensor(int64_t id, int type, const int64_t *dimensions, const int64_t *strides, _Bool isByValue) {
    void *t = descriptor(MICA_DNN_TENSOR);
    const int64_t alignment = 16;
    set(t, MICA_DNN_TENSOR_DATA_TYPE, MICA_DNN_TYPE_DATA_TYPE, 1, &type);
    set(t, MICA_DNN_TENSOR_DIMENSIONS, MICA_DNN_TYPE_INT64, 4, dimensions);
    set(t, MICA_DNN_TENSOR_STRIDES, MICA_DNN_TYPE_INT64, 4, strides);
    set(t, MICA_DNN_TENSOR_ID, MICA_DNN_TYPE_INT64, 1, &id);
    set(t, MICA_DNN_TENSOR_ALIGNMENT, MICA_DNN_TYPE_INT64, 1, &alignment);
    set(t, MICA_DNN_TENSOR_IS_BY_VALUE, MICA_DNN_TYPE_BOOLEAN, 1, &isByValue);
    return dnn.cudnnBackendFinalize(t) ? NULL : t;
}

static void *graph(int64_t heads, int64_t keyHeads, int64_t rows, int64_t size) {
    const int64_t q[4] = {1, heads, rows, size}, k[4] = {1, keyHeads, rows, size}, one[4] = {1, 1, 1, 1};
    const int64_t qs[4] = {rows * heads * size, size, heads * size, 1}, ks[4] = {rows * keyHeads * size, size, keyHeads * size, 1};
    void *tensors[5] = {
        tensor(1, MICA_DNN_BFLOAT16, q, qs, 0), tensor(2, MICA_DNN_BFLOAT16, k, ks, 0), tensor(3, MICA_DNN_BFLOAT16, k, ks, 0),
        tensor(4, MICA_DNN_BFLOAT16, q, qs, 0), tensor(5, MICA_DNN_FLOAT, one, one, 1)};
    const int names[5] = {MICA_DNN_SDPA_QUERY, MICA_DNN_SDPA_KEY, MICA_DNN_SDPA_VALUE, MICA_DNN_SDPA_OUTPUT, MICA_DNN_SDPA_SCALE};
    void *operation = descriptor(MICA_DNN_SDPA_FORWARD), *result = descriptor(MICA_DNN_GRAPH);
    for (int i = 0; i < 5; i++)
        if (!tensors[i] || set(operation, names[i], MICA_DNN_TYPE_DESCRIPTOR, 1, &tensors[i])) return NULL;
    if (dnn.cudnnBackendFinalize(operation)) return NULL;
    set(result, MICA_DNN_GRAPH_OPERATIONS, MICA_DNN_TYPE_DESCRIPTOR, 1, &operation);
    return dnn.cudnnBackendFinalize(result) ? NULL : result;
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

int main(int count, char **arguments) {
    void *library = count > 1 ? dlopen(arguments[1], RTLD_NOW | RTLD_GLOBAL) : NULL;
    if (!library) return fprintf(stderr, "usage: attention_plan path/of/libcudnn.so.9 (%s)\n", count > 1 ? dlerror() : ""), 2;
    const char *const *names = mica_cuda_symbols(MICA_LIBRARY_CUDNN);
    for (int i = 0; names[i]; i++)
        if (!(((void **)&dnn)[i] = dlsym(library, names[i]))) return fprintf(stderr, "no %s\n", names[i]), 1;
    *(void **)&lastError = dlsym(library, "cudnnGetLastErrorString");
    const struct Card cards[] = {{"A100", 800, 108, 166912}, {"3090", 860, 82, 101376},   {"4090", 890, 128, 101376},
                                 {"H200", 900, 132, 232448}, {"B200", 1000, 148, 232448}, {"5090", 1200, 170, 101376},
                                 {"Orin", 870, 16, 166912}, {"Thor", 1100, 20, 232448},  {"GB10", 1210, 48, 101376}};
    const struct { const char *name; int64_t heads, keyHeads, rows, size; } shapes[] = {
        {"transformer", 24, 24, 9856, 128}, {"transformer, odd length", 24, 24, 8257, 128}, {"vision tower", 16, 16, 1024, 80}};
    int failures = 0;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        void *g = graph(shapes[s].heads, shapes[s].keyHeads, shapes[s].rows, shapes[s].size);
        if (!g) { printf("%s: cuDNN refuses the graph\n", shapes[s].name); failures++; continue; }
        for (size_t c = 0; c < sizeof cards / sizeof *cards; c++) {
            void *p = properties(&cards[c]), *heuristic = descriptor(MICA_DNN_ENGINE_HEURISTIC);
            void *configuration = descriptor(MICA_DNN_ENGINE_CONFIGURATION);
            const int mode = MICA_DNN_HEURISTIC_MODE_A;
            int64_t found = 0;
            int code = !p || set(heuristic, MICA_DNN_HEURISTIC_GRAPH, MICA_DNN_TYPE_DESCRIPTOR, 1, &g) ||
                       set(heuristic, MICA_DNN_HEURISTIC_MODE, MICA_DNN_TYPE_HEURISTIC, 1, &mode) ||
                       set(heuristic, HEURISTIC_PROPERTIES, MICA_DNN_TYPE_DESCRIPTOR, 1, &p) || dnn.cudnnBackendFinalize(heuristic);
            if (!code)
                dnn.cudnnBackendGetAttribute(heuristic, MICA_DNN_HEURISTIC_RESULTS, MICA_DNN_TYPE_DESCRIPTOR, 1, &found, &configuration);
            char text[512] = "";
            if (lastError && !found) lastError(text, sizeof text);
            printf("%-26s sm_%-4d %s %.160s\n", shapes[s].name, cards[c].version / 10, found ? "has a plan" : "has no plan:", text);
            // Where cuDNN has none, Mica's own kernel computes; Hopper is where that would be slow.
            if (!found && cards[c].version == 900 && shapes[s].size == 128) failures++;
        }
    }
    return failures ? 1 : 0;
}
