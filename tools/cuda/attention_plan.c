// Asks the real cuDNN, without a device, whether it has a plan for the attention graph that AttentionPlans.swift builds: device
// properties are given as text, and cuDNN's heuristics and compiler run on the host. check.sh runs it with a stub of libcuda.
#include "plan_check.h"

static void *graph(int64_t heads, int64_t keyHeads, int64_t rows, int64_t size) {
    const int64_t q[4] = {1, heads, rows, size}, k[4] = {1, keyHeads, rows, size}, one[4] = {1, 1, 1, 1};
    const int64_t qs[4] = {rows * heads * size, size, heads * size, 1}, ks[4] = {rows * keyHeads * size, size, keyHeads * size, 1};
    void *tensors[5] = {
        tensor(1, MICA_DNN_BFLOAT16, q, qs, 0), tensor(2, MICA_DNN_BFLOAT16, k, ks, 0), tensor(3, MICA_DNN_BFLOAT16, k, ks, 0),
        tensor(4, MICA_DNN_BFLOAT16, q, qs, 0), tensor(5, MICA_DNN_FLOAT, one, one, MICA_DNN_TENSOR_IS_BY_VALUE)};
    const int names[5] = {MICA_DNN_SDPA_QUERY, MICA_DNN_SDPA_KEY, MICA_DNN_SDPA_VALUE, MICA_DNN_SDPA_OUTPUT, MICA_DNN_SDPA_SCALE};
    void *operation = descriptor(MICA_DNN_SDPA_FORWARD), *result = descriptor(MICA_DNN_GRAPH);
    for (int i = 0; i < 5; i++)
        if (!tensors[i] || set(operation, names[i], MICA_DNN_TYPE_DESCRIPTOR, 1, &tensors[i])) return NULL;
    if (dnn.cudnnBackendFinalize(operation)) return NULL;
    set(result, MICA_DNN_GRAPH_OPERATIONS, MICA_DNN_TYPE_DESCRIPTOR, 1, &operation);
    return dnn.cudnnBackendFinalize(result) ? NULL : result;
}

int main(int count, char **arguments) {
    const int problem = openLibrary(count, arguments);
    if (problem) return problem;
    const struct { const char *name; int64_t heads, keyHeads, rows, size; } shapes[] = {
        {"transformer", 24, 24, 9856, 128}, {"transformer, odd length", 24, 24, 8257, 128}, {"vision tower", 16, 16, 1024, 80}};
    int failures = 0;
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        void *g = graph(shapes[s].heads, shapes[s].keyHeads, shapes[s].rows, shapes[s].size);
        if (!g) { printf("%s: cuDNN refuses the graph\n", shapes[s].name); failures++; continue; }
        for (size_t c = 0; c < CARD_COUNT; c++) {
            void *configuration;
            const int64_t found = proposals(g, properties(&cards[c]), MICA_DNN_HEURISTIC_MODE_A, 1, &configuration);
            char text[512] = "";
            if (lastError && !found) lastError(text, sizeof text);
            printf("%-26s sm_%-4d %s %.160s\n", shapes[s].name, cards[c].version / 10, found ? "has a plan" : "has no plan:", text);
            // Where cuDNN has none, Mica's own kernel computes; Hopper is where that would be slow.
            if (!found && cards[c].version == 900 && shapes[s].size == 128) failures++;
        }
    }
    return failures ? 1 : 0;
}
