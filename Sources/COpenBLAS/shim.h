// The few OpenBLAS entry points that the CPU backend calls, declared here because the header's folder differs between distributions.
#pragma once

// cblas.h: CBLAS_ORDER, CBLAS_TRANSPOSE are plain C enums, passed as int.
void cblas_sgemm(int order, int transA, int transB, int m, int n, int k, float alpha, const float *a, int lda,
                 const float *b, int ldb, float beta, float *c, int ldc);
// Our own loops split the work over threads; OpenBLAS itself is held at one, so that two pools never spin against each other.
void openblas_set_num_threads(int count);
