#include "avx512.h"
#include "strassen.h"

// The products of products_avx2.c and strassen_avx2.c, operands packed as there, on CPUs with AVX-512 and VNNI: vpdpwssd multiplies
// pairs of 16 bits and adds them to a sum at once, so that a unit's 64 products of 16 columns are three instructions (with AVX2 eight),
// and two groups' sums have room beside a panel's lines in 32 registers. One such core of Zen 4 makes 310 billion additions and
// multiplications a second of what its instructions for bfloat16 make 236 at most.

#if defined(__x86_64__)

// Groups that a panel is multiplied with at once.
enum { GROUPS = 2 };

// The sums of some groups' rows and a panel.
typedef struct {
    __m512i of[GROUPS * MICA_PAIR_ROWS][2];
} WideSums;

#define VNNI_INLINE INLINE S8_TARGET

VNNI_INLINE __m512i words(const void *x) { return _mm512_loadu_si512(x); }

// A group's two rows times the lines of a unit of the panel.
VNNI_INLINE void add_wide_unit(const uint32_t *row, const __m512i line[4], __m512i sums[MICA_PAIR_ROWS][2]) {
    _Pragma("clang loop unroll(full)") for (size_t i = 0; i < MICA_PAIR_ROWS; i++) {
        const __m512i low = _mm512_set1_epi32((int32_t)row[2 * i]), high = _mm512_set1_epi32((int32_t)row[2 * i + 1]);
        _Pragma("clang loop unroll(full)") for (size_t k = 0; k < 2; k++)
            sums[i][k] = _mm512_dpwssd_epi32(sums[i][k], _mm512_add_epi16(line[2 + k], low), _mm512_add_epi16(line[k], high));
    }
}

// The sums of `count` groups from the first on, which begin without their rows' excesses and the columns'.
VNNI_INLINE WideSums wide_sums(mica_pairs groups, size_t count, mica_pairs panel, size_t units) {
    WideSums sums;
    _Pragma("clang loop unroll(full)") for (size_t i = 0; i < count * MICA_PAIR_ROWS; i++)
        _Pragma("clang loop unroll(full)") for (size_t k = 0; k < 2; k++)
            sums.of[i][k] = _mm512_sub_epi32(_mm512_set1_epi32((int32_t)-groups.excesses[i]), words(panel.excesses + k * 16));
    const uint32_t *row = groups.words, *column = panel.words, *const end = row + units * 4;
    for (; row != end; row += 4, column += 2 * MICA_PAIR_COLUMNS) {
        const __m512i line[4] = {words(column), words(column + 16), words(column + 32), words(column + 48)};
        _Pragma("clang loop unroll(full)") for (size_t g = 0; g < count; g++) {
            __builtin_prefetch(row + (count + g) * units * 4, 0, 3);
            add_wide_unit(row + g * units * 4, line, sums.of + g * MICA_PAIR_ROWS);
        }
    }
    return sums;
}

// The panel that follows one in memory, some lines of which are asked for with each group: in its own page, no prefetcher of the CPU's goes
// there.
typedef struct {
    const char *next, *end;
    size_t bytes;
} Ahead;

VNNI_INLINE Ahead ahead_of(mica_pairs panel, size_t units, size_t groups) {
    const size_t size = units * 2 * MICA_PAIR_COLUMNS * sizeof(uint32_t);
    const char *const next = (const char *)panel.words + size;
    return (Ahead){next, next + size, (size + groups - 1) / groups};
}

VNNI_INLINE void ask_for(Ahead *ahead, size_t groups) {
    const char *const until = ahead->next + groups * ahead->bytes;
    for (; ahead->next < until && ahead->next < ahead->end; ahead->next += 64) __builtin_prefetch(ahead->next, 0, 2);
}

VNNI_INLINE mica_pairs after(mica_pairs groups, size_t count, size_t units) {
    groups.words += count * units * 4;
    groups.excesses += count * MICA_PAIR_ROWS;
    groups.scales += count * MICA_PAIR_ROWS;
    return groups;
}

// Sums [rows, 32] of some groups, kept or added.
VNNI_INLINE void keep(const WideSums *found, size_t count, int32_t *sums, int times, int adds) {
    _Pragma("clang loop unroll(full)") for (size_t i = 0; i < count * MICA_PAIR_ROWS; i++)
        _Pragma("clang loop unroll(full)") for (size_t k = 0; k < 2; k++) {
            int32_t *const place = sums + i * MICA_PAIR_COLUMNS + k * 16;
            const __m512i more = found->of[i][k];
            if (times < 0) _mm512_storeu_si512(place, _mm512_sub_epi32(words(place), more));
            else _mm512_storeu_si512(place, adds ? _mm512_add_epi32(words(place), more) : more);
        }
}

// The same as floats, see add_scaled of pair_units.h.
VNNI_INLINE void keep_scaled(const WideSums *found, size_t count, const float *row_scales, const float *column_scales, float *sums,
                             int adds) {
    _Pragma("clang loop unroll(full)") for (size_t i = 0; i < count * MICA_PAIR_ROWS; i++)
        _Pragma("clang loop unroll(full)") for (size_t k = 0; k < 2; k++) {
            float *const place = sums + i * MICA_PAIR_COLUMNS + k * 16;
            const __m512 value = _mm512_mul_ps(_mm512_cvtepi32_ps(found->of[i][k]), _mm512_set1_ps(row_scales[i]));
            const __m512 columns = _mm512_loadu_ps(column_scales + k * 16);
            _mm512_storeu_ps(place, adds ? _mm512_fmadd_ps(value, columns, _mm512_loadu_ps(place)) : _mm512_mul_ps(value, columns));
        }
}

// Calls DO with the numbers of the groups that are multiplied at once, which the compiler knows: all whole GROUPS, then single ones.
#define FOR_ALL_GROUPS(COUNT, DO)                                               \
    for (size_t left = (COUNT); left > 0;) {                                    \
        if (left >= GROUPS) { DO(GROUPS); left -= GROUPS; }                     \
        else { DO(1); left -= 1; }                                              \
    }

S8_TARGET void mica_product_pairs_vnni(mica_pairs groups, size_t count, mica_pairs panel, size_t units, int32_t *sums, int adds) {
#define MULTIPLY(N)                                                             \
    const WideSums found = wide_sums(groups, N, panel, units);                  \
    keep(&found, N, sums, 1, adds);                                             \
    groups = after(groups, N, units);                                           \
    sums += N * MICA_PAIR_ROWS * MICA_PAIR_COLUMNS
    FOR_ALL_GROUPS(count, MULTIPLY)
#undef MULTIPLY
}

S8_TARGET void mica_product_scaled_pairs_vnni(mica_pairs groups, size_t count, mica_pairs panel, size_t units, float *sums, int adds) {
    Ahead ahead = ahead_of(panel, units, count);
#define MULTIPLY(N)                                                             \
    ask_for(&ahead, N);                                                         \
    const WideSums found = wide_sums(groups, N, panel, units);                  \
    keep_scaled(&found, N, groups.scales, panel.scales, sums, adds);            \
    groups = after(groups, N, units);                                           \
    sums += N * MICA_PAIR_ROWS * MICA_PAIR_COLUMNS
    FOR_ALL_GROUPS(count, MULTIPLY)
#undef MULTIPLY
}

S8_TARGET void mica_strassen_part_vnni(int part, mica_pairs groups, size_t rows, mica_pairs panel, size_t units, int32_t *sums,
                                       size_t panel_stride, int adds) {
    const Target first = targets[part][0], second = targets[part][1];
    int32_t *first_block = sums_of(first, sums, rows, panel_stride), *second_block = sums_of(second, sums, rows, panel_stride);
    Ahead ahead = ahead_of(panel, units, rows / MICA_PAIR_ROWS);
#define MULTIPLY(N)                                                             \
    ask_for(&ahead, N);                                                         \
    const WideSums found = wide_sums(groups, N, panel, units);                  \
    keep(&found, N, first_block, first.times, adds || !first.begins);           \
    if (second.times) keep(&found, N, second_block, second.times, adds || !second.begins); \
    groups = after(groups, N, units);                                           \
    first_block += N * MICA_PAIR_ROWS * MICA_PAIR_COLUMNS;                      \
    second_block += N * MICA_PAIR_ROWS * MICA_PAIR_COLUMNS
    FOR_ALL_GROUPS(rows / MICA_PAIR_ROWS, MULTIPLY)
#undef MULTIPLY
}

#else
void mica_product_pairs_vnni(mica_pairs groups, size_t count, mica_pairs panel, size_t units, int32_t *sums, int adds) { __builtin_trap(); }
void mica_product_scaled_pairs_vnni(mica_pairs groups, size_t count, mica_pairs panel, size_t units, float *sums, int adds) {
    __builtin_trap();
}
void mica_strassen_part_vnni(int part, mica_pairs groups, size_t rows, mica_pairs panel, size_t units, int32_t *sums,
                             size_t panel_stride, int adds) {
    __builtin_trap();
}
#endif
