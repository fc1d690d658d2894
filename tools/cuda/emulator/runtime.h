// What the emulated driver and a compiled kernel share: a block's threads are fibers of one host thread, which switch where CUDA's
// threads wait for each other.
#pragma once
#include <cstddef>
#include <utility>

namespace mica_emulator {

struct Index { unsigned x, y, z; };

// What lanes exchange.
struct Warp { alignas(16) unsigned char slots[2][32][32]; };

struct Fiber {
    enum State { RUNS, AT_WARP, AT_BLOCK, DONE };
    Index thread, block;
    int lane = 0, turn = 0;
    State state = RUNS;
    Warp *warp = nullptr;
    void *stackPointer = nullptr;
};

struct Runtime {
    Fiber *current = nullptr;
    Index blockSize = {1, 1, 1}, gridSize = {1, 1, 1};
    unsigned char *dynamicShared = nullptr;
    // Switches to others until all threads of the warp or block stand at the same place.
    void (*await)(Fiber::State) = nullptr;
    // Ends the process: a kernel did what a device would not forgive.
    void (*fail)(const char *) = nullptr;
};

}  // namespace mica_emulator
