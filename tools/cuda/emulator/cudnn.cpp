// libcudnn.so.9 for the emulated driver: convolutions with a bias as cuDNN's documentation defines them, one output after the other,
// through the strides, paddings and addresses that the descriptors give. Attention it does not know, as an older one.
// Numbers of attributes come from CCUDA.h, which declarations.cpp holds against NVIDIA's headers.
#include <dlfcn.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "CCUDA.h"

namespace {

enum { BAD_PARAMETER = 2000, NOT_SUPPORTED = 3000, FAILED = 5000 };

struct Descriptor {
    int type;
    bool isFinal = false;
    std::map<int, std::vector<unsigned char>> values;
    std::map<int, std::vector<std::shared_ptr<Descriptor>>> parts;
    // Of engines and what follows from them.
    int engine = 0;

    template <class T>
    std::vector<T> list(int name) const {
        const auto found = values.find(name);
        if (found == values.end()) return {};
        std::vector<T> result(found->second.size() / sizeof(T));
        memcpy(result.data(), found->second.data(), result.size() * sizeof(T));
        return result;
    }
    template <class T>
    T one(int name) const {
        const auto all = list<T>(name);
        return all.size() == 1 ? all[0] : T();
    }
    const Descriptor *part(int name) const {
        const auto found = parts.find(name);
        return found == parts.end() || found->second.size() != 1 ? nullptr : found->second[0].get();
    }
};
typedef std::shared_ptr<Descriptor> Reference;

struct Handle {
    void *stream = nullptr;
};

// What the proposals are: one that compiles, one whose sums come in any order, and two that are as they must be.
constexpr int engineCount = 4;
constexpr int64_t workspaceBytes = 256;

// See mica_emulated_convolutions.
enum { SLOW = 1, WRONG = 2, FAILING = 4, UNSUITABLE = 8, HUNGRY = 16 };
thread_local int kinds = 0;

template <class Function>
Function *driver(const char *name) {
    static void *const library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
    return library ? (Function *)dlsym(library, name) : nullptr;
}

size_t sizeOf(int type) {
    switch (type) {
    case MICA_DNN_TYPE_BOOLEAN: return 1;
    case MICA_DNN_TYPE_INT64: case MICA_DNN_TYPE_POINTER: case MICA_DNN_TYPE_HANDLE: return 8;
    default: return 4;
    }
}

// --- tensors --------------------------------------------------------------------------------------------------------------------
struct Tensor {
    std::vector<int64_t> extents, strides;
    int type;
    int64_t id;
    bool isVirtual;
    char *data = nullptr;

    explicit Tensor(const Descriptor &d)
        : extents(d.list<int64_t>(MICA_DNN_TENSOR_DIMENSIONS)), strides(d.list<int64_t>(MICA_DNN_TENSOR_STRIDES)),
          type(d.one<int>(MICA_DNN_TENSOR_DATA_TYPE)), id(d.one<int64_t>(MICA_DNN_TENSOR_ID)),
          isVirtual(d.one<unsigned char>(MICA_DNN_TENSOR_IS_VIRTUAL) != 0) {}

    size_t elementBytes() const { return type == MICA_DNN_BFLOAT16 ? 2 : 4; }
    size_t byteCount() const {
        int64_t last = 0;
        for (int i = 0; i < 4; i++) last += (extents[i] - 1) * strides[i];
        return (last + 1) * elementBytes();
    }
    // An extent of one is as long as need be.
    int64_t index(int64_t n, int64_t c, int64_t y, int64_t x) const {
        const int64_t place[4] = {n, c, y, x};
        int64_t result = 0;
        for (int i = 0; i < 4; i++) result += extents[i] == 1 ? 0 : place[i] * strides[i];
        return result;
    }
    float at(int64_t n, int64_t c, int64_t y, int64_t x) const {
        const int64_t i = index(n, c, y, x);
        if (type != MICA_DNN_BFLOAT16) return ((const float *)data)[i];
        const uint32_t bits = (uint32_t)((const uint16_t *)data)[i] << 16;
        float value;
        memcpy(&value, &bits, 4);
        return value;
    }
    void put(int64_t n, int64_t c, int64_t y, int64_t x, float value) {
        const int64_t i = index(n, c, y, x);
        if (type != MICA_DNN_BFLOAT16) { ((float *)data)[i] = value; return; }
        uint32_t bits;
        memcpy(&bits, &value, 4);
        ((uint16_t *)data)[i] = (uint16_t)(value != value ? bits >> 16 | 0x40 : (bits + 0x7fff + (bits >> 16 & 1)) >> 16);
    }
};

// --- what is checked when a descriptor is finished --------------------------------------------------------------------------------
bool isTensor(const Descriptor &d) {
    const Tensor tensor(d);
    return tensor.extents.size() == 4 && tensor.strides.size() == 4 && tensor.id != 0 && d.values.count(MICA_DNN_TENSOR_DATA_TYPE) &&
           d.one<int64_t>(MICA_DNN_TENSOR_ALIGNMENT) > 0;
}

bool isForward(const Descriptor &d) {
    const auto *x = d.part(MICA_DNN_FORWARD_INPUT), *w = d.part(MICA_DNN_FORWARD_WEIGHT), *y = d.part(MICA_DNN_FORWARD_OUTPUT);
    const auto *kind = d.part(MICA_DNN_FORWARD_CONVOLUTION);
    if (!x || !w || !y || !kind || d.one<float>(MICA_DNN_FORWARD_ALPHA) != 1 || !d.values.count(MICA_DNN_FORWARD_BETA)) return false;
    const Tensor input(*x), weight(*w), output(*y);
    const auto strides = kind->list<int64_t>(MICA_DNN_CONVOLUTION_STRIDES);
    const auto dilations = kind->list<int64_t>(MICA_DNN_CONVOLUTION_DILATIONS);
    const auto before = kind->list<int64_t>(MICA_DNN_CONVOLUTION_PRE_PADDINGS);
    const auto after = kind->list<int64_t>(MICA_DNN_CONVOLUTION_POST_PADDINGS);
    for (int i = 0; i < 2; i++)
        if (output.extents[i + 2] !=
            (input.extents[i + 2] + before[i] + after[i] - (weight.extents[i + 2] - 1) * dilations[i] - 1) / strides[i] + 1)
            return false;
    return input.extents[1] == weight.extents[1] && output.extents[1] == weight.extents[0] && input.extents[0] == output.extents[0];
}

bool isConvolution(const Descriptor &d) {
    for (int name : {MICA_DNN_CONVOLUTION_STRIDES, MICA_DNN_CONVOLUTION_DILATIONS, MICA_DNN_CONVOLUTION_PRE_PADDINGS,
                     MICA_DNN_CONVOLUTION_POST_PADDINGS})
        if (d.list<int64_t>(name).size() != 2) return false;
    return d.one<int64_t>(MICA_DNN_CONVOLUTION_SPATIAL_DIMENSIONS) == 2 &&
           d.one<int>(MICA_DNN_CONVOLUTION_MODE) == MICA_DNN_CROSS_CORRELATION &&
           d.values.count(MICA_DNN_CONVOLUTION_PRECISION) && d.one<int>(MICA_DNN_CONVOLUTION_PRECISION) == MICA_DNN_FLOAT;
}

// A convolution, then the addition of a bias to what it leaves in a virtual tensor.
bool isKnown(const Descriptor &graph) {
    const auto found = graph.parts.find(MICA_DNN_GRAPH_OPERATIONS);
    if (found == graph.parts.end() || found->second.size() != 2) return false;
    const Descriptor &first = *found->second[0], &second = *found->second[1];
    if (first.type != MICA_DNN_CONVOLUTION_FORWARD || second.type != MICA_DNN_POINTWISE_OPERATION) return false;
    const auto *sums = first.part(MICA_DNN_FORWARD_OUTPUT), *kind = second.part(MICA_DNN_POINTWISE_KIND);
    return kind && kind->one<int>(MICA_DNN_POINTWISE_MODE) == MICA_DNN_ADD && second.part(MICA_DNN_POINTWISE_INPUT) == sums &&
           Tensor(*sums).isVirtual && second.part(MICA_DNN_POINTWISE_ADDEND) && second.part(MICA_DNN_POINTWISE_OUTPUT);
}

bool isWhole(const Descriptor &d) {
    switch (d.type) {
    case MICA_DNN_TENSOR: return isTensor(d);
    case MICA_DNN_CONVOLUTION: return isConvolution(d);
    case MICA_DNN_CONVOLUTION_FORWARD: return isForward(d);
    case MICA_DNN_PLAN: return d.part(MICA_DNN_PLAN_CONFIGURATION) && d.values.count(MICA_DNN_PLAN_HANDLE);
    default: return true;
    }
}

// --- work -----------------------------------------------------------------------------------------------------------------------
void convolve(const Descriptor &kind, const Tensor &x, const Tensor &w, const Tensor &b, Tensor &y) {
    const auto strides = kind.list<int64_t>(MICA_DNN_CONVOLUTION_STRIDES);
    const auto dilations = kind.list<int64_t>(MICA_DNN_CONVOLUTION_DILATIONS);
    const auto before = kind.list<int64_t>(MICA_DNN_CONVOLUTION_PRE_PADDINGS);
    for (int64_t n = 0; n < y.extents[0]; n++)
        for (int64_t row = 0; row < y.extents[2]; row++)
            for (int64_t column = 0; column < y.extents[3]; column++)
                for (int64_t k = 0; k < y.extents[1]; k++) {
                    double sum = 0;
                    for (int64_t r = 0; r < w.extents[2]; r++)
                        for (int64_t s = 0; s < w.extents[3]; s++) {
                            const int64_t yy = row * strides[0] - before[0] + r * dilations[0];
                            const int64_t xx = column * strides[1] - before[1] + s * dilations[1];
                            if (yy < 0 || yy >= x.extents[2] || xx < 0 || xx >= x.extents[3]) continue;
                            for (int64_t c = 0; c < w.extents[1]; c++) sum += (double)x.at(n, c, yy, xx) * w.at(k, c, r, s);
                        }
                    // Wrong is the last column alone, as if a padding were.
                    const bool isWrong = (kinds & WRONG) && column == y.extents[3] - 1;
                    y.put(n, k, row, column, isWrong ? 0 : (float)sum + b.at(n, k, row, column));
                }
}

[[noreturn]] void fail(const char *problem) {
    fprintf(stderr, "emulated cuDNN: %s\n", problem);
    abort();
}

int execute(Handle *handle, const Descriptor &plan, const Descriptor &variants) {
    if (kinds & FAILING) return FAILED;
    const auto &graph = *plan.part(MICA_DNN_PLAN_CONFIGURATION)->part(MICA_DNN_HEURISTIC_GRAPH);
    const auto &operations = graph.parts.find(MICA_DNN_GRAPH_OPERATIONS)->second;
    const auto ids = variants.list<int64_t>(MICA_DNN_VARIANT_IDS);
    const auto pointers = variants.list<char *>(MICA_DNN_VARIANT_POINTERS);
    if (ids.size() != pointers.size()) return BAD_PARAMETER;
    static auto *const isInside = driver<int(uint64_t, size_t, void *)>("mica_emulated_is_inside");
    static auto *const count = driver<void(void *, int, int)>("mica_emulated_convolution");
    const auto bind = [&](const Descriptor *part) {
        Tensor tensor(*part);
        if (tensor.isVirtual) fail("an operand in memory is virtual");
        for (size_t i = 0; i < ids.size(); i++)
            if (ids[i] == tensor.id) tensor.data = pointers[i];
        if (!tensor.data || (uintptr_t)tensor.data % part->one<int64_t>(MICA_DNN_TENSOR_ALIGNMENT))
            fail("an operand without an address, or not aligned");
        if (isInside && !isInside((uint64_t)tensor.data, tensor.byteCount(), handle->stream))
            fail("an operand beyond its block or device");
        return tensor;
    };
    const Descriptor &forward = *operations[0], &addition = *operations[1];
    const Tensor x = bind(forward.part(MICA_DNN_FORWARD_INPUT)), w = bind(forward.part(MICA_DNN_FORWARD_WEIGHT));
    const Tensor b = bind(addition.part(MICA_DNN_POINTWISE_ADDEND));
    Tensor y = bind(addition.part(MICA_DNN_POINTWISE_OUTPUT));
    char *workspace = variants.one<char *>(MICA_DNN_VARIANT_WORKSPACE);
    if (isInside && !isInside((uint64_t)workspace, workspaceBytes, handle->stream))
        fail("a work space beyond its block or device");
    // Whatever else lies in the output or the work space is lost.
    memset(workspace, 0xff, workspaceBytes);
    memset(y.data, 0xff, y.byteCount());
    if (count) count(handle->stream, plan.engine, kinds & SLOW);
    convolve(*forward.part(MICA_DNN_FORWARD_CONVOLUTION), x, w, b, y);
    return 0;
}

template <class T>
int give(const std::vector<T> &values, int64_t requested, int64_t *count, void *elements) {
    *count = (int64_t)values.size();
    memcpy(elements, values.data(), std::min<size_t>(values.size(), requested) * sizeof(T));
    return 0;
}

}  // namespace

extern "C" {

// What this thread's convolutions are: 1 slow, 2 wrong in the last column, 4 failing; its plans: 8 without an engine that suits, 16 with
// a large work space.
void mica_emulated_convolutions(int which) { kinds = which; }

int cudnnCreate(void **handle) { *handle = new Handle; return 0; }
int cudnnDestroy(void *handle) { delete (Handle *)handle; return 0; }
int cudnnSetStream(void *handle, void *stream) { ((Handle *)handle)->stream = stream; return 0; }
int cudnnBackendCreateDescriptor(int type, void **descriptor) {
    if (type == MICA_DNN_SDPA_FORWARD) return NOT_SUPPORTED;
    *descriptor = new Reference(std::make_shared<Descriptor>(Descriptor{type}));
    return 0;
}
int cudnnBackendDestroyDescriptor(void *descriptor) { delete (Reference *)descriptor; return 0; }
int cudnnBackendSetAttribute(void *descriptor, int name, int type, int64_t count, const void *elements) {
    Descriptor &d = **(Reference *)descriptor;
    if (d.isFinal) return BAD_PARAMETER;
    if (type == MICA_DNN_TYPE_DESCRIPTOR) {
        auto &parts = d.parts[name];
        for (int64_t i = 0; i < count; i++) {
            parts.push_back(**(Reference *const *)((char *)elements + i * sizeof(void *)));
            if (!parts.back()->isFinal && parts.back()->type != MICA_DNN_ENGINE_CONFIGURATION) return BAD_PARAMETER;
        }
        return 0;
    }
    const auto *bytes = (const unsigned char *)elements;
    d.values[name] = std::vector<unsigned char>(bytes, bytes + count * sizeOf(type));
    return 0;
}
int cudnnBackendFinalize(void *descriptor) {
    Descriptor &d = **(Reference *)descriptor;
    if (!isWhole(d)) return BAD_PARAMETER;
    const auto *graph = d.type == MICA_DNN_ENGINE_HEURISTIC ? d.part(MICA_DNN_HEURISTIC_GRAPH) : nullptr;
    if (d.type == MICA_DNN_ENGINE_HEURISTIC && !(graph && isKnown(*graph))) return NOT_SUPPORTED;
    if (d.type == MICA_DNN_PLAN) d.engine = d.part(MICA_DNN_PLAN_CONFIGURATION)->engine;
    d.isFinal = true;
    return 0;
}
int cudnnBackendGetAttribute(void *descriptor, int name, int, int64_t requested, int64_t *count, void *elements) {
    Descriptor &d = **(Reference *)descriptor;
    auto **const targets = (Reference **)elements;
    switch (name) {
    case MICA_DNN_HEURISTIC_RESULTS: {
        const bool isFallback = d.one<int>(MICA_DNN_HEURISTIC_MODE) == MICA_DNN_HEURISTIC_MODE_FALLBACK;
        *count = isFallback ? 0 : std::min<int64_t>(requested, kinds & UNSUITABLE ? 2 : engineCount);
        for (int64_t i = 0; i < *count; i++) {
            (*targets[i])->parts[MICA_DNN_HEURISTIC_GRAPH] = d.parts[MICA_DNN_HEURISTIC_GRAPH];
            (*targets[i])->engine = (int)i;
        }
        return 0;
    }
    case MICA_DNN_CONFIGURATION_ENGINE:
        *count = 1;
        (*targets[0])->engine = d.engine;
        return 0;
    case MICA_DNN_ENGINE_BEHAVIOR_NOTES:
        return give(std::vector<int>(d.engine == 0 ? 1 : 0, MICA_DNN_COMPILES), requested, count, elements);
    case MICA_DNN_ENGINE_NUMERICAL_NOTES: {
        std::vector<int> notes = {MICA_DNN_USES_MATRIX_UNITS};
        // CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC
        if (d.engine == 1) notes.push_back(4);
        return give(notes, requested, count, elements);
    }
    case MICA_DNN_PLAN_WORKSPACE_BYTES:
        return give(std::vector<int64_t>{kinds & HUNGRY ? (int64_t)1 << 40 : workspaceBytes}, requested, count, elements);
    default: return BAD_PARAMETER;
    }
}
int cudnnBackendExecute(void *handle, void *plan, void *variants) {
    return execute((Handle *)handle, **(Reference *)plan, **(Reference *)variants);
}

}  // extern "C"
