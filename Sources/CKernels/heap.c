// mremap is the GNU library's.
#define _GNU_SOURCE
#include "CKernels.h"

#include <stdlib.h>
#include <sys/mman.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

void mica_trim_heap(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

void mica_bound_heap(void) {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 256 << 10);
    mallopt(M_TRIM_THRESHOLD, 512 << 10);
#endif
}

int mica_move_pages(void *from, void *to, size_t bytes) {
    return mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to;
}
