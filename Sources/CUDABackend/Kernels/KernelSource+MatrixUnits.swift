extension KernelSource {
    /// The instructions of the matrix units and of copies to shared memory, for kernels in bfloat16.
    static let matrixUnits = #"""
        #ifdef MICA_EMULATED
        DEVICE void mma(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) { mica_mma(c, a, b0, b1); }
        DEVICE void loadMatrices(u32 (&r)[4], const u16 *row) { mica_ldmatrix(r, row, 0); }
        DEVICE void loadTransposed(u32 (&r)[4], const u16 *row) { mica_ldmatrix(r, row, 1); }
        DEVICE void copyAsync(u16 *to, const u16 *from, bool valid) { mica_copy16(to, from, valid); }
        DEVICE void commitCopies() {}
        template <int pending>
        DEVICE void awaitCopies() {}
        #else
        DEVICE u32 sharedAddress(const void *p) { return (u32)__cvta_generic_to_shared(p); }
        DEVICE void mma(float (&c)[4], const u32 (&a)[4], u32 b0, u32 b1) {
            asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                         : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
                         : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
        }
        DEVICE void loadMatrices(u32 (&r)[4], const u16 *row) {
            asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                         : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(sharedAddress(row)) : "memory");
        }
        DEVICE void loadTransposed(u32 (&r)[4], const u16 *row) {
            asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                         : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(sharedAddress(row)) : "memory");
        }
        // 16 bytes, or 16 zeros.
        DEVICE void copyAsync(u16 *to, const u16 *from, bool valid) {
            asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                         :: "r"(sharedAddress(to)), "l"(from), "r"(valid ? 16 : 0) : "memory");
        }
        DEVICE void commitCopies() { asm volatile("cp.async.commit_group;" ::: "memory"); }
        template <int pending>
        DEVICE void awaitCopies() { asm volatile("cp.async.wait_group %0;" :: "n"(pending) : "memory"); }
        #endif
        """#
}
