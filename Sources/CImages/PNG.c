#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "CImages.h"

struct CImagesPNG {
    png_structp png;
    png_infop info;
    const uint8_t *bytes;
    size_t count, position;
    int status;
    char message[160];
};

// libpng demands that this does not return.
static void on_error(png_structp png, png_const_charp message) {
    CImagesPNG *self = png_get_error_ptr(png);
    if (self->status == CIMAGES_OK) {
        self->status = CIMAGES_DAMAGED;
        strncpy(self->message, message, sizeof self->message - 1);
    }
    png_longjmp(png, 1);
}

// Warnings are about ancillary chunks, which libpng then drops.
static void on_warning(png_structp png, png_const_charp message) {
    (void)png;
    (void)message;
}

static void read_bytes(png_structp png, png_bytep target, size_t length) {
    CImagesPNG *self = png_get_io_ptr(png);
    if (length > self->count - self->position) {
        self->status = CIMAGES_TRUNCATED;
        png_error(png, "end of data");
    }
    memcpy(target, self->bytes + self->position, length);
    self->position += length;
    // libpng takes memory for a chunk by its length before it reads on; one that the file cannot hold ends it here.
    if ((png_get_io_state(png) & PNG_IO_MASK_LOC) == PNG_IO_CHUNK_HDR && length == 8 &&
        png_get_uint_32(target) > self->count - self->position) {
        self->status = CIMAGES_TRUNCATED;
        png_error(png, "end of data");
    }
}

CImagesPNG *cimages_png_open(const uint8_t *bytes, size_t count) {
    CImagesPNG *self = calloc(1, sizeof *self);
    if (!self) return NULL;
    self->bytes = bytes;
    self->count = count;
    self->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, self, on_error, on_warning);
    if (self->png) self->info = png_create_info_struct(self->png);
    if (!self->info) {
        cimages_png_close(self);
        return NULL;
    }
    png_set_read_fn(self->png, self, read_bytes);
    return self;
}

void cimages_png_close(CImagesPNG *self) {
    if (!self) return;
    png_destroy_read_struct(&self->png, &self->info, NULL);
    free(self);
}

const char *cimages_png_message(const CImagesPNG *self) { return self->message; }

int cimages_png_read_header(CImagesPNG *self, CImagesPNGHeader *header) {
    if (setjmp(png_jmpbuf(self->png))) return self->status;
    // The caller checks the size against its own limits and can then name them; libpng allocates nothing by it here.
    png_set_user_limits(self->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_chunk_cache_max(self->png, 256);
    png_set_chunk_malloc_max(self->png, 8 << 20);
    png_read_info(self->png, self->info);
    header->width = png_get_image_width(self->png, self->info);
    header->height = png_get_image_height(self->png, self->info);
    header->bit_depth = png_get_bit_depth(self->png, self->info);
    header->color_type = png_get_color_type(self->png, self->info);
    header->is_interlaced = png_get_interlace_type(self->png, self->info) != PNG_INTERLACE_NONE;
    size_t channels = png_get_channels(self->png, self->info);
    header->row_bytes = (size_t)header->width * channels * (header->bit_depth == 16 ? 2 : 1);
    return CIMAGES_OK;
}

int cimages_png_palette(CImagesPNG *self, const uint8_t **entries) {
    png_colorp palette = NULL;
    int count = 0;
    if (!png_get_PLTE(self->png, self->info, &palette, &count)) return 0;
    *entries = (const uint8_t *)palette;
    return count;
}

int cimages_png_transparency(CImagesPNG *self, const uint8_t **alphas, uint16_t color[3]) {
    png_bytep alpha = NULL;
    png_color_16p value = NULL;
    int count = 0;
    if (!png_get_tRNS(self->png, self->info, &alpha, &count, &value)) return 0;
    if (png_get_color_type(self->png, self->info) == PNG_COLOR_TYPE_PALETTE) {
        *alphas = alpha;
        return count;
    }
    if (!value) return 0;
    int is_grey = png_get_color_type(self->png, self->info) == PNG_COLOR_TYPE_GRAY;
    color[0] = is_grey ? value->gray : value->red;
    color[1] = value->green;
    color[2] = value->blue;
    return 1;
}

size_t cimages_png_profile(CImagesPNG *self, const uint8_t **data) {
    png_charp name = NULL;
    int compression = 0;
    png_bytep profile = NULL;
    png_uint_32 length = 0;
    if (!png_get_iCCP(self->png, self->info, &name, &compression, &profile, &length)) return 0;
    *data = profile;
    return length;
}

size_t cimages_png_exif(CImagesPNG *self, const uint8_t **data) {
    png_bytep exif = NULL;
    png_uint_32 length = 0;
    if (!png_get_eXIf_1(self->png, self->info, &length, &exif)) return 0;
    *data = exif;
    return length;
}

size_t cimages_png_text(CImagesPNG *self, const char *key, const uint8_t **data) {
    png_textp text = NULL;
    int count = 0;
    png_get_text(self->png, self->info, &text, &count);
    for (int i = 0; i < count; i++) {
        if (!text[i].key || !text[i].text || strcmp(text[i].key, key) != 0) continue;
        *data = (const uint8_t *)text[i].text;
        // iTXt has its length elsewhere than tEXt and zTXt.
        return text[i].compression > 0 ? text[i].itxt_length : text[i].text_length;
    }
    return 0;
}

int cimages_png_start(CImagesPNG *self, int *passes) {
    if (setjmp(png_jmpbuf(self->png))) return self->status;
    png_set_packing(self->png);
    *passes = png_set_interlace_handling(self->png);
    png_start_read_image(self->png);
    return CIMAGES_OK;
}

int cimages_png_read_row(CImagesPNG *self, uint8_t *row) {
    if (setjmp(png_jmpbuf(self->png))) return self->status;
    png_read_row(self->png, row, NULL);
    return CIMAGES_OK;
}

int cimages_png_finish(CImagesPNG *self) {
    if (setjmp(png_jmpbuf(self->png))) return self->status;
    png_read_end(self->png, self->info);
    return CIMAGES_OK;
}
