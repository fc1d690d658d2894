#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

// jerror.h names the arithmetic coder's warning only if jpeglib.h came before it.
#include <jpeglib.h>
#include <jerror.h>

#include "CImages.h"

struct CImagesJPEG {
    struct jpeg_decompress_struct info;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf jump;
    int status, maximum_scans;
    // Whether the file may end without its last marker.
    int may_end;
    char message[JMSG_LENGTH_MAX];
};

static void fail(j_common_ptr common, int status) {
    CImagesJPEG *self = common->client_data;
    self->status = status;
    common->err->format_message(common, self->message);
    longjmp(self->jump, 1);
}

static void on_error(j_common_ptr common) {
    int code = common->err->msg_code;
    fail(common, code == JERR_OUT_OF_MEMORY ? CIMAGES_NO_MEMORY
                 : code == JERR_INPUT_EOF || code == JERR_INPUT_EMPTY ? CIMAGES_TRUNCATED
                                                                      : CIMAGES_DAMAGED);
}

// After these warnings libjpeg would go on with invented pixels; the other warnings leave the picture whole.
static void on_message(j_common_ptr common, int level) {
    if (level >= 0) return;
    switch (common->err->msg_code) {
        case JWRN_JPEG_EOF:
            if (((CImagesJPEG *)common->client_data)->may_end) break;
            fail(common, CIMAGES_TRUNCATED);
            break;
        case JWRN_HIT_MARKER:
            fail(common, CIMAGES_TRUNCATED);
            break;
        case JWRN_HUFF_BAD_CODE:
        case JWRN_BOGUS_PROGRESSION:
        case JWRN_MUST_RESYNC:
        case JWRN_ARITH_BAD_CODE:
            fail(common, CIMAGES_DAMAGED);
            break;
        default:
            break;
    }
}

static void on_progress(j_common_ptr common) {
    CImagesJPEG *self = common->client_data;
    if (self->info.input_scan_number > self->maximum_scans) {
        self->status = CIMAGES_TOO_MANY_SCANS;
        longjmp(self->jump, 1);
    }
}

CImagesJPEG *cimages_jpeg_open(const uint8_t *bytes, size_t count) {
    CImagesJPEG *self = calloc(1, sizeof *self);
    if (!self) return NULL;
    self->info.err = jpeg_std_error(&self->errors);
    self->errors.error_exit = on_error;
    self->errors.emit_message = on_message;
    self->info.client_data = self;
    if (setjmp(self->jump)) {
        cimages_jpeg_close(self);
        return NULL;
    }
    jpeg_create_decompress(&self->info);
    jpeg_mem_src(&self->info, bytes, count);
    jpeg_save_markers(&self->info, JPEG_APP0 + 1, 0xFFFF);
    jpeg_save_markers(&self->info, JPEG_APP0 + 2, 0xFFFF);
    return self;
}

void cimages_jpeg_close(CImagesJPEG *self) {
    if (!self) return;
    jpeg_destroy_decompress(&self->info);
    free(self);
}

const char *cimages_jpeg_message(const CImagesJPEG *self) { return self->message; }

int cimages_jpeg_read_header(CImagesJPEG *self, CImagesJPEGHeader *header) {
    if (setjmp(self->jump)) return self->status;
    jpeg_read_header(&self->info, TRUE);
    header->width = self->info.image_width;
    header->height = self->info.image_height;
    header->is_progressive = self->info.progressive_mode;
    // YCCK becomes CMYK in libjpeg; YCbCr becomes RGB.
    if (self->info.num_components == 4) self->info.out_color_space = JCS_CMYK;
    header->components = self->info.out_color_space == JCS_GRAYSCALE ? 1
                         : self->info.out_color_space == JCS_RGB     ? 3
                         : self->info.out_color_space == JCS_CMYK    ? 4
                                                                     : 0;
    return CIMAGES_OK;
}

long cimages_jpeg_marker(CImagesJPEG *self, int index, int *number, const uint8_t **data) {
    jpeg_saved_marker_ptr marker = self->info.marker_list;
    for (; marker && index > 0; index--) marker = marker->next;
    if (!marker) return -1;
    *number = marker->marker - JPEG_APP0;
    *data = marker->data;
    return marker->data_length;
}

int cimages_jpeg_start(CImagesJPEG *self, int maximum_scans) {
    if (setjmp(self->jump)) return self->status;
    self->maximum_scans = maximum_scans;
    self->progress.progress_monitor = on_progress;
    self->info.progress = &self->progress;
    jpeg_start_decompress(&self->info);
    // In the one scan of a Huffman-coded picture too few bits are a warning of their own; a whole scan more could be
    // missing otherwise, and an arithmetic decoder makes up zeros.
    self->may_end = !jpeg_has_multiple_scans(&self->info) && !self->info.arith_code;
    return CIMAGES_OK;
}

int cimages_jpeg_read_row(CImagesJPEG *self, uint8_t *row) {
    if (setjmp(self->jump)) return self->status;
    JSAMPROW rows[1] = {row};
    if (jpeg_read_scanlines(&self->info, rows, 1) != 1) return CIMAGES_TRUNCATED;
    return CIMAGES_OK;
}

int cimages_jpeg_finish(CImagesJPEG *self) {
    if (setjmp(self->jump)) return self->status;
    jpeg_finish_decompress(&self->info);
    return CIMAGES_OK;
}

// The encoder's error manager, with the place to jump to.
struct encoder {
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr errors;
    jmp_buf jump;
};

static void on_encoder_error(j_common_ptr common) {
    longjmp(((struct encoder *)common->client_data)->jump, 1);
}

int cimages_jpeg_encode(
    const uint8_t *rgb, int width, int height, int quality, int is_full_color, int dots_per_inch, uint8_t **out,
    size_t *out_count) {
    struct encoder *self = calloc(1, sizeof *self);
    // jpeg_mem_dest writes through these, also before a jump.
    unsigned char *volatile result = NULL;
    volatile unsigned long size = 0;
    if (!self) return CIMAGES_NO_MEMORY;
    self->info.err = jpeg_std_error(&self->errors);
    self->errors.error_exit = on_encoder_error;
    self->info.client_data = self;
    if (setjmp(self->jump)) {
        jpeg_destroy_compress(&self->info);
        free(self);
        free(result);
        return CIMAGES_NO_MEMORY;
    }
    jpeg_create_compress(&self->info);
    jpeg_mem_dest(&self->info, (unsigned char **)&result, (unsigned long *)&size);
    self->info.image_width = (JDIMENSION)width;
    self->info.image_height = (JDIMENSION)height;
    self->info.input_components = 3;
    self->info.in_color_space = JCS_RGB;
    jpeg_set_defaults(&self->info);
    jpeg_set_quality(&self->info, quality, TRUE);
    if (is_full_color) {
        self->info.comp_info[0].h_samp_factor = 1;
        self->info.comp_info[0].v_samp_factor = 1;
    }
    if (dots_per_inch > 0) {
        self->info.density_unit = 1;
        self->info.X_density = (UINT16)dots_per_inch;
        self->info.Y_density = (UINT16)dots_per_inch;
    }
    jpeg_start_compress(&self->info, TRUE);
    while (self->info.next_scanline < self->info.image_height) {
        JSAMPROW rows[1] = {(JSAMPROW)(rgb + (size_t)self->info.next_scanline * (size_t)width * 3)};
        jpeg_write_scanlines(&self->info, rows, 1);
    }
    jpeg_finish_compress(&self->info);
    jpeg_destroy_compress(&self->info);
    free(self);
    *out = result;
    *out_count = size;
    return CIMAGES_OK;
}

void cimages_jpeg_free(uint8_t *out) { free(out); }
