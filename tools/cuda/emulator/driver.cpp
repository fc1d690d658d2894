// libcuda.so.1 for machines without a GPU: device memory is host memory, streams are in order at once, kernels are host code that
// nvrtc.cpp made. For tests alone: it finds wrong indices, types, arguments and lifetimes, and says nothing of speed or of real devices.
//
// Work is done when it is asked for, but a clock counts when a device would have done it: streams run beside each other, kernels take
// a fixed time and copies theirs by size, events are reached when their stream is. mica_emulated_microseconds() tells it.
//
// MICA_EMULATED_BYTES bounds the memory of a device; MICA_EMULATED_FAILURE=cuLaunchKernel:7:719 makes the seventh call of that name
// answer 719, and all calls that follow until the context is reset; with :stays behind it no reset helps. MICA_EMULATED_MINOR=3 makes
// the compute capability 9.3.
//
// A device's primary context keeps its handle when it is reset and held anew, while all that was in it is gone. Memory, streams, events
// and functions belong to the device whose context was current when they were made, and are refused with another's.
#include <dlfcn.h>
#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "CCUDA.h"
#include "runtime.h"

using namespace mica_emulator;

namespace {

constexpr int deviceCount = 2;
std::recursive_mutex lock;
// What is kept by name or address is never destroyed: threads may still ask while the process ends.
struct Block {
    size_t bytes;
    int device;
};
auto &blocks = *new std::map<uint64_t, Block>;
size_t usedBytes = 0;
// What the context takes, and code that was loaded: the device's memory too.
constexpr size_t contextBytes = 300 << 20, moduleBytes = 2 << 20;
size_t systemBytes = 0;
int brokenBy = 0;
// How often each device's primary context is held and was reset, and whether there is one.
int retains[deviceCount], resets[deviceCount];
bool isActive[deviceCount];
void *contextOf(int device) { return (void *)(uintptr_t)(device + 1); }
// The device whose context is current on this thread.
thread_local int current = -1;
constexpr int invalidContext = 201, invalidHandle = 400, contextIsDestroyed = 709;
// Host memory that is registered: address and bytes.
auto &registered = *new std::map<uintptr_t, size_t>;
auto &calls = *new std::map<std::string, int>;
// Failures that a test ordered: the next call of the name answers the code.
auto &ordered = *new std::map<std::string, int>;
// So many requests for memory of this thread are refused, and so many of its copies read registered memory.
thread_local int refusals = 0, copiesInPlace = 0;
// By the thread that asked for them: tests run beside each other.
thread_local std::map<std::string, int> launches, launchedBlocks;

// --- the clock, in microseconds -------------------------------------------------------------------------------------------------
constexpr double callTime = 2, kernelTime = 20, copyTime = 4, copyBytes = 50e3, allocationTime = 20;
struct Stream {
    double end = 0;
    int device = current, reset = resets[current];
    bool isThere() const { return reset == resets[device]; }
};
struct Event {
    double reached = 0;
    int device = current;
};
auto &streams = *new std::set<Stream *>;
double hostTime = 0;

// Asks a stream for work that takes so long, once all that it was asked for before is done.
void spend(void *stream, double time) {
    hostTime += callTime;
    auto *owner = (Stream *)stream;
    if (streams.count(owner)) owner->end = std::max(owner->end, hostTime) + time;
}
void spendCopy(void *stream, size_t bytes) { spend(stream, copyTime + bytes / copyBytes); }
void waitForAll() {
    for (auto *stream : streams) hostTime = std::max(hostTime, stream->end);
}

size_t totalBytes() {
    const char *text = getenv("MICA_EMULATED_BYTES");
    return text ? strtoull(text, nullptr, 10) : size_t(8) << 30;
}

// What a call is to answer: 0, or the failure that was ordered.
int answer(const char *name) {
    if (brokenBy) return brokenBy;
    const int count = ++calls[name];
    const auto now = ordered.find(name);
    if (now != ordered.end()) {
        const int code = now->second;
        ordered.erase(now);
        if (code >= 200) brokenBy = code;
        return code;
    }
    const char *order = getenv("MICA_EMULATED_FAILURE");
    if (!order) return 0;
    char wanted[64];
    int at = 0, code = 0;
    if (sscanf(order, "%63[^:]:%d:%d", wanted, &at, &code) != 3 || strcmp(wanted, name) || at != count) return 0;
    if (code >= 700 && code <= 720) brokenBy = code;
    return code;
}

#define ENTER(name)                                 \
    std::lock_guard<std::recursive_mutex> guard(lock); \
    if (const int code = answer(name)) return code;

// --- fibers ---------------------------------------------------------------------------------------------------------------------
constexpr size_t stackBytes = 64 << 10;
constexpr int largestBlock = 1024;
Runtime runtime;
void *schedulerStack;
Fiber fibers[largestBlock];
Warp warps[largestBlock / 32];
unsigned char *stacks;
void (*entry)(void **);
void **entryValues;

// Saves what the ABI wants kept on one stack and takes it from another.
extern "C" void mica_switch(void **from, void *to);
asm(R"(
.globl mica_switch
mica_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
)");

void leave() { mica_switch(&runtime.current->stackPointer, schedulerStack); }

void body() {
    entry(entryValues);
    runtime.current->state = Fiber::DONE;
    leave();
    abort();
}

void await(Fiber::State state) {
    runtime.current->state = state;
    leave();
}

void fail(const char *problem) {
    fprintf(stderr, "emulated kernel: %s (block %u, thread %u)\n", problem, runtime.current->block.x, runtime.current->thread.x);
    abort();
}

void prepare(Fiber &fiber, int index) {
    auto *top = reinterpret_cast<void **>(stacks + (index + 1) * stackBytes);
    *--top = nullptr;
    *--top = reinterpret_cast<void *>(body);
    for (int i = 0; i < 6; i++) *--top = nullptr;
    fiber.stackPointer = top;
    fiber.state = Fiber::RUNS;
    fiber.turn = 0;
}

// Lets those go on that all stand at the same place; false if nobody can.
bool release(int count) {
    bool moved = false;
    bool allAtBlock = true, any = false;
    for (int first = 0; first < count; first += 32) {
        bool allAtWarp = true, some = false;
        for (int i = first; i < first + 32 && i < count; i++) {
            if (fibers[i].state == Fiber::DONE) continue;
            some = any = true;
            allAtWarp = allAtWarp && fibers[i].state == Fiber::AT_WARP;
            allAtBlock = allAtBlock && fibers[i].state == Fiber::AT_BLOCK;
        }
        if (!some || !allAtWarp) continue;
        for (int i = first; i < first + 32 && i < count; i++)
            if (fibers[i].state == Fiber::AT_WARP) fibers[i].state = Fiber::RUNS, moved = true;
    }
    if (any && allAtBlock)
        for (int i = 0; i < count; i++)
            if (fibers[i].state == Fiber::AT_BLOCK) fibers[i].state = Fiber::RUNS, moved = true;
    return moved;
}

void runBlock(Index block, int count) {
    for (int i = 0; i < count; i++) {
        Fiber &fiber = fibers[i];
        fiber.block = block;
        fiber.thread = {i % runtime.blockSize.x, i / runtime.blockSize.x, 0};
        fiber.lane = i % 32;
        fiber.warp = &warps[i / 32];
        prepare(fiber, i);
    }
    while (true) {
        bool moved = false, unfinished = false;
        for (int i = 0; i < count; i++) {
            if (fibers[i].state == Fiber::RUNS) {
                runtime.current = &fibers[i];
                mica_switch(&schedulerStack, fibers[i].stackPointer);
                moved = true;
            }
            unfinished = unfinished || fibers[i].state != Fiber::DONE;
        }
        if (!unfinished) return;
        if (!release(count) && !moved) fail("threads wait for each other at different places");
    }
}

struct Function {
    void (*call)(void **);
    std::string name;
    int device;
    int sharedBytes = 48 << 10;
};

struct Module {
    void *handle;
    int device;
    std::map<std::string, Function> functions;
};

}  // namespace

extern "C" {

int cuInit(unsigned) { ENTER("cuInit") return 0; }
int cuDriverGetVersion(int *version) { *version = 13000; return 0; }
int cuGetErrorName(int, const char **text) { *text = "EMULATED_ERROR"; return 0; }
int cuGetErrorString(int, const char **text) { *text = "an emulated error"; return 0; }
int cuDeviceGetCount(int *count) { *count = deviceCount; return 0; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return 0; }
int cuDeviceGetName(char *name, int size, int) { snprintf(name, size, "Emulated GPU"); return 0; }
int cuDeviceGetPCIBusId(char *text, int size, int device) { snprintf(text, size, "00000000:0%d:00.0", device); return 0; }
int cuDeviceGetAttribute(int *value, int attribute, int) {
    const char *minor = getenv("MICA_EMULATED_MINOR");
    *value = attribute == 75 ? 9 : attribute == 76 ? (minor ? atoi(minor) : 0) : attribute == 16 ? 4 : attribute == 97 ? 232448 : attribute == 113 ? 1 : 0;
    return 0;
}
int cuDeviceTotalMem_v2(size_t *bytes, int) { *bytes = totalBytes(); return 0; }
int cuDevicePrimaryCtxRetain(void **context, int device) {
    ENTER("cuDevicePrimaryCtxRetain")
    if (!systemBytes) systemBytes = contextBytes;
    retains[device]++;
    isActive[device] = true;
    *context = contextOf(device);
    return 0;
}
int cuDevicePrimaryCtxRelease_v2(int device) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    if (!retains[device]) { fprintf(stderr, "emulated driver: release of a context that nobody holds\n"); abort(); }
    retains[device]--;
    return 0;
}
int cuDevicePrimaryCtxReset_v2(int device) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    resets[device]++;
    isActive[device] = false;
    registered.clear();
    for (auto next = blocks.begin(); next != blocks.end();) {
        if (next->second.device != device) { ++next; continue; }
        free((void *)next->first);
        usedBytes -= next->second.bytes;
        next = blocks.erase(next);
    }
    systemBytes = 0;
    const char *order = getenv("MICA_EMULATED_FAILURE");
    if (!order || !strstr(order, ":stays")) brokenBy = 0;
    return brokenBy;
}
int cuCtxSetCurrent(void *context) {
    ENTER("cuCtxSetCurrent")
    const int device = (int)(uintptr_t)context - 1;
    if (!isActive[device]) return contextIsDestroyed;
    current = device;
    return 0;
}
int cuCtxSynchronize() { ENTER("cuCtxSynchronize") waitForAll(); return 0; }
int cuMemGetInfo_v2(size_t *free, size_t *total) { ENTER("cuMemGetInfo") *total = totalBytes(); *free = *total - usedBytes - systemBytes; return 0; }

int cuMemAlloc_v2(uint64_t *address, size_t bytes) {
    ENTER("cuMemAlloc")
    if (current < 0) return invalidContext;
    if (refusals > 0) { refusals--; return 2; }
    if (usedBytes + systemBytes + bytes > totalBytes()) return 2;
    void *block = nullptr;
    if (posix_memalign(&block, 512, (bytes + 511) / 512 * 512)) return 2;
    // What nobody wrote is not a number.
    memset(block, 0xff, bytes);
    blocks[(uint64_t)block] = {bytes, current};
    usedBytes += bytes;
    hostTime += allocationTime;
    *address = (uint64_t)block;
    return 0;
}
int cuMemFree_v2(uint64_t address) {
    ENTER("cuMemFree")
    const auto found = blocks.find(address);
    if (found == blocks.end()) { fprintf(stderr, "emulated driver: free of an unknown address\n"); abort(); }
    waitForAll();
    usedBytes -= found->second.bytes;
    blocks.erase(found);
    free((void *)address);
    return 0;
}
int cuMemAllocHost_v2(void **address, size_t bytes) { ENTER("cuMemAllocHost") *address = malloc(bytes); return 0; }
int cuMemFreeHost(void *address) { free(address); return 0; }
static std::atomic<void (*)()> registering{nullptr};
// Has memory that is registered wait until a function of the test returns.
void mica_emulated_registering(void (*function)()) { registering = function; }
int cuMemHostRegister_v2(void *address, size_t bytes, unsigned) {
    if (const auto function = registering.load()) function();
    ENTER("cuMemHostRegister")
    if ((uintptr_t)address % 4096 || bytes % 4096) return 1;
    const auto next = registered.lower_bound((uintptr_t)address);
    if (next != registered.end() && next->first < (uintptr_t)address + bytes) return MICA_CUDA_ALREADY_REGISTERED;
    if (next != registered.begin() && std::prev(next)->first + std::prev(next)->second > (uintptr_t)address) return MICA_CUDA_ALREADY_REGISTERED;
    registered[(uintptr_t)address] = bytes;
    return 0;
}
int cuMemHostUnregister(void *address) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    // CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED
    return registered.erase((uintptr_t)address) ? 0 : 713;
}

// True if the range lies in one block of the stream's device.
static bool isInside(uint64_t address, size_t bytes, void *stream) {
    auto next = blocks.upper_bound(address);
    if (next == blocks.begin()) return false;
    --next;
    return address + bytes <= next->first + next->second.bytes && next->second.device == ((Stream *)stream)->device;
}
static bool isRegistered(uintptr_t address, size_t bytes) {
    auto next = registered.upper_bound(address);
    if (next == registered.begin()) return false;
    --next;
    return address + bytes <= next->first + next->second;
}
#define INSIDE(address, bytes)                                  \
    if (!((Stream *)stream)->isThere()) return invalidHandle; \
    if (!isInside(address, bytes, stream)) { fprintf(stderr, "emulated driver: a copy beyond its block or device\n"); abort(); }

int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t bytes, void *stream) { ENTER("cuMemcpyHtoDAsync") INSIDE(to, bytes) spendCopy(stream, bytes); copiesInPlace += isRegistered((uintptr_t)from, bytes); memcpy((void *)to, from, bytes); return 0; }
int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t bytes, void *stream) { ENTER("cuMemcpyDtoHAsync") INSIDE(from, bytes) spendCopy(stream, bytes); memcpy(to, (void *)from, bytes); return 0; }
int cuStreamCreate(void **stream, unsigned) {
    ENTER("cuStreamCreate")
    if (current < 0) return invalidContext;
    *stream = *streams.insert(new Stream).first;
    return 0;
}
int cuStreamDestroy_v2(void *stream) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    if (!((Stream *)stream)->isThere()) { fprintf(stderr, "emulated driver: the end of a stream that ended with its context\n"); abort(); }
    streams.erase((Stream *)stream);
    delete (Stream *)stream;
    return 0;
}
int cuStreamSynchronize(void *stream) {
    ENTER("cuStreamSynchronize")
    if (!((Stream *)stream)->isThere()) return invalidHandle;
    hostTime = std::max(hostTime, ((Stream *)stream)->end);
    return 0;
}
int cuStreamWaitEvent(void *stream, void *event, unsigned) {
    ENTER("cuStreamWaitEvent")
    ((Stream *)stream)->end = std::max(((Stream *)stream)->end, ((Event *)event)->reached);
    return 0;
}
int cuEventCreate(void **event, unsigned) {
    ENTER("cuEventCreate")
    if (current < 0) return invalidContext;
    *event = new Event;
    return 0;
}
int cuEventDestroy_v2(void *event) { delete (Event *)event; return 0; }
int cuEventRecord(void *event, void *stream) {
    ENTER("cuEventRecord")
    if (!((Stream *)stream)->isThere() || ((Event *)event)->device != ((Stream *)stream)->device) return invalidHandle;
    ((Event *)event)->reached = ((Stream *)stream)->end;
    return 0;
}
int cuEventQuery(void *event) { ENTER("cuEventQuery") return ((Event *)event)->reached > hostTime ? MICA_CUDA_NOT_READY : 0; }
int cuEventElapsedTime(float *milliseconds, void *start, void *end) { *milliseconds = (((Event *)end)->reached - ((Event *)start)->reached) / 1000; return 0; }
int cuEventSynchronize(void *event) { ENTER("cuEventSynchronize") hostTime = std::max(hostTime, ((Event *)event)->reached); return 0; }

// What the device has been asked for is done so late.
double mica_emulated_microseconds() {
    std::lock_guard<std::recursive_mutex> guard(lock);
    waitForAll();
    return hostTime;
}

// cuBLASLt's way of this number was taken; it counts as a launch of `product way N`.
void mica_emulated_product(void *stream, int way) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    spend(stream, kernelTime * (way == 1 ? 1 : 2));
    launches["product way " + std::to_string(way)]++;
}

// An engine of the emulated cuDNN convolved; it counts as a launch of `convolution engine N`.
void mica_emulated_convolution(void *stream, int engine, int isSlow) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    spend(stream, kernelTime * (isSlow ? 100 : 1));
    launches["convolution engine " + std::to_string(engine)]++;
}

// True if a range lies in one block of a stream's device.
int mica_emulated_is_inside(uint64_t address, size_t bytes, void *stream) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    return isInside(address, bytes, stream);
}

// This thread's launches so far of kernels whose name begins so.
int mica_emulated_launches(const char *beginning) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    int count = 0;
    for (const auto &entry : launches) count += entry.first.compare(0, strlen(beginning), beginning) ? 0 : entry.second;
    return count;
}

// The same of the blocks of threads that those kernels were started in.
int mica_emulated_blocks(const char *beginning) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    int count = 0;
    for (const auto &entry : launchedBlocks) count += entry.first.compare(0, strlen(beginning), beginning) ? 0 : entry.second;
    return count;
}

// The next call of that name answers the code, and so do all others until the context is reset.
void mica_emulated_fail(const char *name, int code) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    ordered[name] = code;
}

// This thread's next requests for device memory are refused, as if another process had taken what was free.
void mica_emulated_refuse(int count) { refusals = count; }

// How often a device's primary context is held.
int mica_emulated_holders(int device) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    return retains[device];
}

// This thread's copies so far from registered memory.
int mica_emulated_copies_in_place() { return copiesInPlace; }

// Bytes of host memory that are registered.
size_t mica_emulated_registered() {
    std::lock_guard<std::recursive_mutex> guard(lock);
    size_t bytes = 0;
    for (const auto &range : registered) bytes += range.second;
    return bytes;
}

int cuModuleLoadData(void **result, const void *image) {
    ENTER("cuModuleLoadData")
    if (current < 0) return invalidContext;
    Elf64_Ehdr header;
    memcpy(&header, image, sizeof header);
    if (memcmp(header.e_ident, ELFMAG, SELFMAG)) return 200;
    const size_t bytes = header.e_shoff + (size_t)header.e_shnum * header.e_shentsize;
    const int file = memfd_create("kernel", 0);
    for (size_t done = 0; done < bytes;) {
        const ssize_t count = write(file, (const char *)image + done, bytes - done);
        if (count <= 0) return 999;
        done += count;
    }
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!handle) { fprintf(stderr, "emulated driver: %s\n", dlerror()); return 200; }
    if (!stacks) {
        stacks = (unsigned char *)mmap(nullptr, largestBlock * stackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        runtime.await = await;
        runtime.fail = fail;
        runtime.dynamicShared = (unsigned char *)aligned_alloc(1024, 256 << 10);
    }
    systemBytes += moduleBytes;
    *(Runtime **)dlsym(handle, "mica_runtime") = &runtime;
    *result = new Module{handle, current, {}};
    return 0;
}
int cuModuleUnload(void *) { return 0; }
int cuModuleGetFunction(void **result, void *module, const char *name) {
    ENTER("cuModuleGetFunction")
    auto *owner = (Module *)module;
    void *symbol = dlsym(owner->handle, (std::string(name) + "__launch").c_str());
    if (!symbol) return 500;
    owner->functions[name] = Function{(void (*)(void **))symbol, name, owner->device};
    *result = &owner->functions[name];
    return 0;
}
int cuFuncSetAttribute(void *function, int attribute, int value) {
    if (attribute == 8) ((Function *)function)->sharedBytes = value;
    return value <= 232448 ? 0 : 1;
}
int cuLaunchKernel(void *function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY, unsigned blockZ,
                   unsigned sharedBytes, void *stream, void **values, void **) {
    ENTER("cuLaunchKernel")
    if (((Function *)function)->device != current || ((Stream *)stream)->device != current || !((Stream *)stream)->isThere()) return invalidHandle;
    launches[((Function *)function)->name]++;
    launchedBlocks[((Function *)function)->name] += gridX * gridY;
    spend(stream, kernelTime);
    const unsigned count = blockX * blockY * blockZ;
    if (!gridX || !gridY || !gridZ || !count || count > largestBlock || gridY > 65535) return 1;
    if ((int)sharedBytes > ((Function *)function)->sharedBytes) return 1;
    runtime.blockSize = {blockX, blockY, blockZ};
    runtime.gridSize = {gridX, gridY, gridZ};
    entry = ((Function *)function)->call;
    entryValues = values;
    for (unsigned y = 0; y < gridY; y++)
        for (unsigned x = 0; x < gridX; x++) {
            memset(runtime.dynamicShared, 0xff, sharedBytes);
            runBlock({x, y, 0}, count);
        }
    return 0;
}

// --- NVML: this library under another name --------------------------------------------------------------------------------------
int nvmlInit_v2() { return 0; }
int nvmlDeviceGetHandleByPciBusId_v2(const char *text, void **device) { *device = (void *)text; return 0; }
int nvmlDeviceGetMemoryInfo(void *, MicaDeviceMemory *memory) {
    std::lock_guard<std::recursive_mutex> guard(lock);
    *memory = {totalBytes(), totalBytes() - usedBytes - systemBytes, usedBytes + systemBytes};
    return 0;
}

}  // extern "C"
