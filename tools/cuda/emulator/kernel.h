// Put before a kernel's source when a host compiler makes it: CUDA's words in terms of the emulator's fibers.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#include "runtime.h"

extern "C" {
mica_emulator::Runtime *mica_runtime = nullptr;
}

#define MICA_EMULATED 1
#define __global__ __attribute__((used))
#define __device__
#define __forceinline__ inline
#define __shared__ static
#define __launch_bounds__(threads)
#define __align__(bytes) __attribute__((aligned(bytes)))
#define threadIdx (mica_runtime->current->thread)
#define blockIdx (mica_runtime->current->block)
#define blockDim (mica_runtime->blockSize)
#define gridDim (mica_runtime->gridSize)

struct alignas(8) float2 { float x, y; };
struct alignas(8) uint2 { unsigned x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(16) uint4 { unsigned x, y, z, w; };
static inline float2 make_float2(float x, float y) { return {x, y}; }
static inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
static inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
static inline int min(int a, int b) { return a < b ? a : b; }
static inline int max(int a, int b) { return a > b ? a : b; }

static inline float __uint_as_float(unsigned bits) { float x; memcpy(&x, &bits, 4); return x; }
static inline unsigned __float_as_uint(float x) { unsigned bits; memcpy(&bits, &x, 4); return bits; }
static inline float mica_half(unsigned short bits) { _Float16 x; memcpy(&x, &bits, 2); return (float)x; }
// As the chip: NaN becomes 0, what is out of range the nearest end of it.
static inline int __float2int_rn(float x) {
    if (x != x) return 0;
    if (x >= 0x1p31f) return INT32_MAX;
    return x <= -0x1p31f ? INT32_MIN : (int)nearbyintf(x);
}

static inline void __syncthreads() { mica_runtime->await(mica_emulator::Fiber::AT_BLOCK); }
static inline void __syncwarp() { mica_runtime->await(mica_emulator::Fiber::AT_WARP); }

// All lanes put a value down and take another lane's. Two tables in turn: a lane that is ahead cannot overwrite what one behind reads.
template <class T>
static inline T mica_exchange(T value, int source) {
    mica_emulator::Fiber *me = mica_runtime->current;
    mica_emulator::Warp *warp = me->warp;
    const int turn = me->turn++ % 2;
    memcpy(warp->slots[turn][me->lane], &value, sizeof value);
    mica_runtime->await(mica_emulator::Fiber::AT_WARP);
    T result;
    memcpy(&result, warp->slots[turn][source], sizeof result);
    return result;
}
template <class T>
static inline T __shfl_xor_sync(unsigned, T value, int mask) { return mica_exchange(value, mica_runtime->current->lane ^ mask); }
template <class T>
static inline T __shfl_sync(unsigned, T value, int source) { return mica_exchange(value, source & 31); }

struct MicaFragments { unsigned a[4], b[2]; };

static inline float mica_bf16(unsigned word, int high) { return __uint_as_float(high ? word & 0xffff0000u : word << 16); }

// mma.sync.m16n8k16: each lane lays its fragments down, and computes its own four sums from all lanes'.
static inline void mica_mma(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    mica_emulator::Fiber *me = mica_runtime->current;
    const int turn = me->turn++ % 2;
    const MicaFragments mine = {{a[0], a[1], a[2], a[3]}, {b0, b1}};
    memcpy(me->warp->slots[turn][me->lane], &mine, sizeof mine);
    mica_runtime->await(mica_emulator::Fiber::AT_WARP);
    const auto &slots = me->warp->slots[turn];
    for (int i = 0; i < 4; i++) {
        const int row = me->lane / 4 + i / 2 * 8, column = me->lane % 4 * 2 + i % 2;
        float sum = c[i];
        for (int k = 0; k < 16; k++) {
            MicaFragments left, right;
            memcpy(&left, slots[row % 8 * 4 + k % 8 / 2], sizeof left);
            memcpy(&right, slots[column * 4 + k % 8 / 2], sizeof right);
            sum += mica_bf16(left.a[row / 8 + k / 8 * 2], k % 2) * mica_bf16(right.b[k / 8], k % 2);
        }
        c[i] = sum;
    }
}

// mma.sync.m16n8k32 of signed bytes.
static inline void mica_mma_s8(int (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
    mica_emulator::Fiber *me = mica_runtime->current;
    const int turn = me->turn++ % 2;
    const MicaFragments mine = {{a[0], a[1], a[2], a[3]}, {b0, b1}};
    memcpy(me->warp->slots[turn][me->lane], &mine, sizeof mine);
    mica_runtime->await(mica_emulator::Fiber::AT_WARP);
    const auto &slots = me->warp->slots[turn];
    for (int i = 0; i < 4; i++) {
        const int row = me->lane / 4 + i / 2 * 8, column = me->lane % 4 * 2 + i % 2;
        for (int k = 0; k < 32; k++) {
            MicaFragments left, right;
            memcpy(&left, slots[row % 8 * 4 + k % 16 / 4], sizeof left);
            memcpy(&right, slots[column * 4 + k % 16 / 4], sizeof right);
            c[i] += (int)(signed char)(left.a[row / 8 + k / 16 * 2] >> k % 4 * 8) *
                    (int)(signed char)(right.b[k / 16] >> k % 4 * 8);
        }
    }
}

// ldmatrix.x4: lane 8 m + r holds the address of row r of matrix m.
static inline void mica_ldmatrix(unsigned (&r)[4], const unsigned short *row, int transposed) {
    mica_emulator::Fiber *me = mica_runtime->current;
    const int turn = me->turn++ % 2;
    if ((uintptr_t)row % 16) mica_runtime->fail("ldmatrix of an address that 16 does not divide");
    memcpy(me->warp->slots[turn][me->lane], &row, sizeof row);
    mica_runtime->await(mica_emulator::Fiber::AT_WARP);
    for (int m = 0; m < 4; m++) {
        unsigned short pair[2];
        for (int i = 0; i < 2; i++) {
            const int line = transposed ? me->lane % 4 * 2 + i : me->lane / 4, column = transposed ? me->lane / 4 : me->lane % 4 * 2 + i;
            const unsigned short *from;
            memcpy(&from, me->warp->slots[turn][m * 8 + line], sizeof from);
            pair[i] = from[column];
        }
        r[m] = pair[0] | (unsigned)pair[1] << 16;
    }
}

static inline void mica_copy16(void *to, const void *from, bool valid) {
    if ((uintptr_t)to % 16 || (uintptr_t)from % 16) mica_runtime->fail("cp.async of an address that 16 does not divide");
    if (valid) memcpy(to, from, 16);
    else memset(to, 0, 16);
}

template <class... Parameters, size_t... index>
static inline void mica_call(void (*kernel)(Parameters...), void **values, std::integer_sequence<size_t, index...>) {
    kernel(*(std::remove_reference_t<Parameters> *)values[index]...);
}
template <class... Parameters>
static inline void mica_launch(void (*kernel)(Parameters...), void **values) {
    mica_call(kernel, values, std::make_index_sequence<sizeof...(Parameters)>());
}
