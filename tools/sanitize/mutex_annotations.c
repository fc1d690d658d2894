// Tells the thread sanitizer what the kernel does for Synchronization.Mutex; preloaded by tools/sanitize/test.sh.
//
// On Linux a Mutex that is free is taken and given back by atomics in our own code, which the sanitizer sees. One that
// others wait for goes through FUTEX_LOCK_PI and FUTEX_UNLOCK_PI in libswiftSynchronization, which is not instrumented:
// the kernel writes the new owner, and what the last owner did before seems unordered to the sanitizer. These
// functions take the place of the two slow paths, call them, and say what they order. Nothing is suppressed.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context))
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY_LOCK "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

typedef SWIFT void lock_function(uint32_t thread, SELF void *mutex);
typedef SWIFT _Bool try_lock_function(SELF void *mutex);
typedef SWIFT void unlock_function(SELF void *mutex);
typedef void annotation(void *address);

// Absent in processes without the sanitizer, which inherit the preloading.
static void annotate(const char *name, void *mutex) {
    annotation *call = (annotation *)dlsym(RTLD_DEFAULT, name);
    if (call) call(mutex);
}

SWIFT void mica_lock_slow(uint32_t thread, SELF void *mutex) __asm__(LOCK);
SWIFT _Bool mica_try_lock_slow(SELF void *mutex) __asm__(TRY_LOCK);
SWIFT void mica_unlock_slow(SELF void *mutex) __asm__(UNLOCK);

SWIFT void mica_lock_slow(uint32_t thread, SELF void *mutex) {
    ((lock_function *)dlsym(RTLD_NEXT, LOCK))(thread, mutex);
    annotate("__tsan_acquire", mutex);
}

SWIFT _Bool mica_try_lock_slow(SELF void *mutex) {
    _Bool isTaken = ((try_lock_function *)dlsym(RTLD_NEXT, TRY_LOCK))(mutex);
    if (isTaken) annotate("__tsan_acquire", mutex);
    return isTaken;
}

SWIFT void mica_unlock_slow(SELF void *mutex) {
    annotate("__tsan_release", mutex);
    ((unlock_function *)dlsym(RTLD_NEXT, UNLOCK))(mutex);
}
