// Asks the real cuDNN, without a device, whether it has a plan that suits for every convolution of the published VAE, encoder
// and decoder, whole and in tiles, as ConvolutionPlans.swift builds them: finished, with kernels that came compiled, plain sums,
// and a work space within a quarter of what patches would take.
#include "plan_check.h"

enum { MOST = 16, STRIP_BYTES = 32 << 20, STRIP_MULTIPLE = 16, NARROW_ELEMENTS = 1 << 20, PATCH_BYTES = 128 << 20 };

struct Shape {
    int64_t height, width, inputs, outputs, stride, top, left, bottom, right;
};

static int64_t outputs(const struct Shape *s, int axis) {
    return ((axis ? s->width + s->left + s->right : s->height + s->top + s->bottom) - 3) / s->stride + 1;
}

static void *picture(int64_t id, int type, int64_t n, int64_t c, int64_t h, int64_t w, int flag) {
    const int64_t extents[4] = {n, c, h, w}, strides[4] = {h * w * c, 1, w * c, c};
    return tensor(id, type, extents, strides, flag);
}

static int part(void *target, int name, void *value) { return set(target, name, MICA_DNN_TYPE_DESCRIPTOR, 1, &value); }
static int number(void *target, int name, int type, int value) { return set(target, name, type, 1, &value); }
static int pair(void *target, int name, int64_t first, int64_t second) {
    const int64_t values[2] = {first, second};
    return set(target, name, MICA_DNN_TYPE_INT64, 2, values);
}

// The graph of ConvolutionPlans; NULL if cuDNN refuses a part.
static void *graph(const struct Shape *s) {
    const int64_t h = outputs(s, 0), w = outputs(s, 1), axes = 2;
    void *x = picture(1, MICA_DNN_BFLOAT16, 1, s->inputs, s->height, s->width, 0);
    void *weight = picture(2, MICA_DNN_BFLOAT16, s->outputs, s->inputs, 3, 3, 0);
    void *bias = picture(3, MICA_DNN_BFLOAT16, 1, s->outputs, 1, 1, 0), *y = picture(4, MICA_DNN_BFLOAT16, 1, s->outputs, h, w, 0);
    void *sums = picture(5, MICA_DNN_FLOAT, 1, s->outputs, h, w, MICA_DNN_TENSOR_IS_VIRTUAL);
    void *kind = descriptor(MICA_DNN_CONVOLUTION), *forward = descriptor(MICA_DNN_CONVOLUTION_FORWARD);
    void *add = descriptor(MICA_DNN_POINTWISE), *addition = descriptor(MICA_DNN_POINTWISE_OPERATION);
    void *operations[2] = {forward, addition}, *result = descriptor(MICA_DNN_GRAPH);
    const float alpha = 1, beta = 0;
    if (!x || !weight || !bias || !y || !sums) return NULL;
    if (number(kind, MICA_DNN_CONVOLUTION_PRECISION, MICA_DNN_TYPE_DATA_TYPE, MICA_DNN_FLOAT) ||
        number(kind, MICA_DNN_CONVOLUTION_MODE, MICA_DNN_TYPE_CONVOLUTION_MODE, MICA_DNN_CROSS_CORRELATION) ||
        pair(kind, MICA_DNN_CONVOLUTION_DILATIONS, 1, 1) || pair(kind, MICA_DNN_CONVOLUTION_STRIDES, s->stride, s->stride) ||
        pair(kind, MICA_DNN_CONVOLUTION_PRE_PADDINGS, s->top, s->left) ||
        pair(kind, MICA_DNN_CONVOLUTION_POST_PADDINGS, s->bottom, s->right) ||
        set(kind, MICA_DNN_CONVOLUTION_SPATIAL_DIMENSIONS, MICA_DNN_TYPE_INT64, 1, &axes) || dnn.cudnnBackendFinalize(kind))
        return NULL;
    if (set(forward, MICA_DNN_FORWARD_ALPHA, MICA_DNN_TYPE_FLOAT, 1, &alpha) ||
        set(forward, MICA_DNN_FORWARD_BETA, MICA_DNN_TYPE_FLOAT, 1, &beta) || part(forward, MICA_DNN_FORWARD_CONVOLUTION, kind) ||
        part(forward, MICA_DNN_FORWARD_INPUT, x) || part(forward, MICA_DNN_FORWARD_WEIGHT, weight) ||
        part(forward, MICA_DNN_FORWARD_OUTPUT, sums) || dnn.cudnnBackendFinalize(forward))
        return NULL;
    if (number(add, MICA_DNN_POINTWISE_MODE, MICA_DNN_TYPE_POINTWISE_MODE, MICA_DNN_ADD) ||
        number(add, MICA_DNN_POINTWISE_PRECISION, MICA_DNN_TYPE_DATA_TYPE, MICA_DNN_FLOAT) || dnn.cudnnBackendFinalize(add) ||
        part(addition, MICA_DNN_POINTWISE_KIND, add) || part(addition, MICA_DNN_POINTWISE_INPUT, sums) ||
        part(addition, MICA_DNN_POINTWISE_ADDEND, bias) || part(addition, MICA_DNN_POINTWISE_OUTPUT, y) ||
        dnn.cudnnBackendFinalize(addition))
        return NULL;
    set(result, MICA_DNN_GRAPH_OPERATIONS, MICA_DNN_TYPE_DESCRIPTOR, 2, operations);
    return dnn.cudnnBackendFinalize(result) ? NULL : result;
}

// What cuDNN notes of an engine, of one kind; how many, or -1.
static int64_t notes(void *engine, int name, int type, int *result) {
    int64_t found = 0;
    return dnn.cudnnBackendGetAttribute(engine, name, type, MOST, &found, result) ? -1 : found;
}

static int isPlain(void *configuration) {
    void *engine = descriptor(MICA_DNN_ENGINE);
    int numerical[MOST], behavior[MOST];
    int64_t found = 0;
    int isFine =
        !dnn.cudnnBackendGetAttribute(configuration, MICA_DNN_CONFIGURATION_ENGINE, MICA_DNN_TYPE_DESCRIPTOR, 1, &found, &engine);
    const int64_t ofSums = notes(engine, MICA_DNN_ENGINE_NUMERICAL_NOTES, MICA_DNN_TYPE_NUMERICAL_NOTE, numerical);
    const int64_t ofRuns = notes(engine, MICA_DNN_ENGINE_BEHAVIOR_NOTES, MICA_DNN_TYPE_BEHAVIOR_NOTE, behavior);
    isFine = isFine && ofSums >= 0 && ofRuns >= 0;
    for (int64_t i = 0; i < ofSums; i++) isFine = isFine && numerical[i] == MICA_DNN_USES_MATRIX_UNITS;
    for (int64_t i = 0; i < ofRuns; i++) isFine = isFine && behavior[i] != MICA_DNN_COMPILES;
    dnn.cudnnBackendDestroyDescriptor(engine);
    return isFine;
}

// The work space of the first plan that suits; -1 if there is none.
static int64_t plan(const struct Shape *s, void *g, const struct Card *card) {
    const int64_t patchBytes = 2 * outputs(s, 0) * outputs(s, 1) * 9 * s->inputs;
    const int64_t limit = (patchBytes < PATCH_BYTES ? patchBytes : PATCH_BYTES) / 4;
    void *p = properties(card), *configurations[MOST];
    const int64_t found = proposals(g, p, MICA_DNN_HEURISTIC_MODE_A, MOST, configurations);
    int64_t result = -1;
    for (int64_t i = 0; i < found && result < 0; i++) {
        void *finished = descriptor(MICA_DNN_PLAN);
        int64_t bytes = -1, count = 0;
        if (isPlain(configurations[i]) && !part(finished, MICA_DNN_PLAN_CONFIGURATION, configurations[i]) &&
            !part(finished, PLAN_PROPERTIES, p) && !dnn.cudnnBackendFinalize(finished))
            dnn.cudnnBackendGetAttribute(finished, MICA_DNN_PLAN_WORKSPACE_BYTES, MICA_DNN_TYPE_INT64, 1, &count, &bytes);
        if (bytes >= 0 && bytes <= limit) result = bytes;
        dnn.cudnnBackendDestroyDescriptor(finished);
    }
    return result;
}

// --- the shapes of the published VAE ----------------------------------------------------------------------------------------
static struct Shape shapes[2048];
static int shapeCount = 0;

// Results in float32, the small ones, are not cuDNN's.
static void note(struct Shape s, int64_t wholeElements) {
    if (wholeElements < NARROW_ELEMENTS) return;
    for (int i = 0; i < shapeCount; i++)
        if (!memcmp(&shapes[i], &s, sizeof s)) return;
    if (shapeCount == sizeof shapes / sizeof *shapes) abort();
    shapes[shapeCount++] = s;
}

// As PictureStrips cuts a convolution of `channels` whose input has so many; `rowBytes` of one row of it.
static void strips(int64_t height, int64_t width, int64_t inputs, int64_t channels, int64_t rowBytes) {
    int64_t rows = STRIP_BYTES / rowBytes / STRIP_MULTIPLE;
    rows = (rows > 1 ? rows : 1) * STRIP_MULTIPLE;
    for (int64_t start = 0; start < height; start += rows) {
        const int64_t end = start + rows < height ? start + rows : height;
        const int64_t top = start == 0, bottom = end == height;
        const struct Shape strip = {end - start + !top + !bottom, width, inputs, channels, 1, top, 1, bottom, 1};
        note(strip, height * width * channels);
    }
}
static void normed(int64_t height, int64_t width, int64_t inputs, int64_t channels) {
    strips(height, width, inputs, channels, width * inputs * 4);
}
static void block(int64_t height, int64_t width, int64_t inputs, int64_t channels) {
    normed(height, width, inputs, channels);
    normed(height, width, channels, channels);
}
static void whole(int64_t height, int64_t width, int64_t inputs, int64_t channels) {
    note((struct Shape){height, width, inputs, channels, 1, 1, 1, 1, 1}, height * width * channels);
}

// A picture of so many pixels, 96 channels and 1, 2, 4 and 4 times as many by level.
static void encoder(int64_t height, int64_t width) {
    const int64_t dims[5] = {96, 96, 192, 384, 384};
    whole(height, width, 4, 96);
    for (int level = 0; level < 4; level++) {
        block(height, width, dims[level], dims[level + 1]);
        block(height, width, dims[level + 1], dims[level + 1]);
        if (level == 3) break;
        const struct Shape half = {height, width, dims[level + 1], dims[level + 1], 2, 0, 0, 1, 1};
        note(half, height / 2 * (width / 2) * dims[level + 1]);
        height /= 2, width /= 2;
    }
    normed(height, width, 384, 32);
}
static void decoder(int64_t height, int64_t width) {
    const int64_t dims[5] = {384, 384, 384, 192, 96};
    height /= 8, width /= 8;
    whole(height, width, 16, 384);
    for (int level = 0; level < 4; level++) {
        block(height, width, level ? dims[level] / 2 : 384, dims[level + 1]);
        block(height, width, dims[level + 1], dims[level + 1]);
        if (level == 3) break;
        height *= 2, width *= 2;
        strips(height, width, dims[level + 1], dims[level + 1] / 2, width * dims[level + 1] * 4);
    }
    normed(height, width, 96, 4);
}

int main(int count, char **arguments) {
    const int problem = openLibrary(count, arguments);
    if (problem) return problem;
    // Whole pictures; tiles of 256 and their rests.
    const int64_t pictures[][2] = {{640, 640}, {1024, 1024}, {832, 1216}, {2048, 2048}, {256, 256}, {256, 64}, {128, 256}, {208, 176}};
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++) {
        encoder(pictures[i][0], pictures[i][1]);
        decoder(pictures[i][0], pictures[i][1]);
    }
    int failures = 0, planned[CARD_COUNT] = {0};
    int64_t most[CARD_COUNT] = {0};
    for (int i = 0; i < shapeCount; i++) {
        const struct Shape *s = &shapes[i];
        void *g = graph(s);
        if (!g) return printf("cuDNN refuses the graph of a convolution\n"), 1;
        for (size_t c = 0; c < CARD_COUNT; c++) {
            const int64_t bytes = plan(s, g, &cards[c]);
            if (bytes > most[c]) most[c] = bytes;
            planned[c] += bytes >= 0;
            // Where cuDNN has none, patches and a product compute: the first six are what most people have.
            if (bytes >= 0 || c >= 6) continue;
            failures++;
            printf("%ld x %ld x %ld to %ld, stride %ld, zeros %ld %ld %ld %ld: ", (long)s->height, (long)s->width, (long)s->inputs,
                   (long)s->outputs, (long)s->stride, (long)s->top, (long)s->left, (long)s->bottom, (long)s->right);
            printf("sm_%d has no plan\n", cards[c].version / 10);
        }
    }
    for (size_t c = 0; c < CARD_COUNT; c++)
        printf("sm_%-4d has plans for %d of %d convolutions, with %.1f MiB at most\n", cards[c].version / 10, planned[c], shapeCount,
               most[c] / 1048576.0);
    return failures ? 1 : 0;
}
