// What Swift needs of the picture libraries.
//
// libpng and libjpeg report errors by longjmp and are set up by macros; Swift can do neither. The wrappers here catch
// the jump around single library calls and hand out plain values; what is decided (limits, colours, orientation) is
// decided in Swift. libwebp, Little CMS and libdeflate are plain functions and are used from Swift directly.
#ifndef CIMAGES_H
#define CIMAGES_H

#include <lcms2.h>
#include <libdeflate.h>
#include <stddef.h>
#include <stdint.h>
#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>

/// How a wrapped call ended.
enum {
    CIMAGES_OK = 0,
    /// The data ended before the picture did.
    CIMAGES_TRUNCATED = 1,
    /// The data is wrong; the message says how.
    CIMAGES_DAMAGED = 2,
    /// More scans than allowed (JPEG).
    CIMAGES_TOO_MANY_SCANS = 3,
    CIMAGES_NO_MEMORY = 4,
};

// ---------------------------------------------------------------- PNG

typedef struct CImagesPNG CImagesPNG;

/// What the PNG's header says. `color_type` is the IHDR value: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA.
typedef struct {
    uint32_t width, height;
    int bit_depth, color_type, is_interlaced;
    /// Bytes of a row as `cimages_png_read_row` gives it: a byte a sample (1, 2 and 4 bits unpacked), or two for 16
    /// bits, the high one first.
    size_t row_bytes;
} CImagesPNGHeader;

/// A reader over bytes that must outlive it, or NULL without memory.
CImagesPNG *cimages_png_open(const uint8_t *bytes, size_t count);
void cimages_png_close(CImagesPNG *png);
/// The last error, for a user.
const char *cimages_png_message(const CImagesPNG *png);
/// Reads everything before the first row.
int cimages_png_read_header(CImagesPNG *png, CImagesPNGHeader *header);
/// The palette as R, G, B triples; its number of entries, 0 without one.
int cimages_png_palette(CImagesPNG *png, const uint8_t **entries);
/// tRNS: for a palette the alphas and their count; else 1, and `color` gets grey or red, green, blue. 0 without one.
int cimages_png_transparency(CImagesPNG *png, const uint8_t **alphas, uint16_t color[3]);
/// The ICC profile and its size, 0 without one.
size_t cimages_png_profile(CImagesPNG *png, const uint8_t **data);
/// The eXIf chunk and its size, 0 without one.
size_t cimages_png_exif(CImagesPNG *png, const uint8_t **data);
/// The text chunk with this key and its size, 0 without one.
size_t cimages_png_text(CImagesPNG *png, const char *key, const uint8_t **data);
/// Prepares for reading rows; `passes` gets 1, or 7 for an interlaced picture: then all rows are read as often, each
/// time into the same memory.
int cimages_png_start(CImagesPNG *png, int *passes);
int cimages_png_read_row(CImagesPNG *png, uint8_t *row);
/// Reads up to IEND.
int cimages_png_finish(CImagesPNG *png);

/// Filters a row of `count` bytes with the filter whose result is smallest in sum as signed bytes; returns its number.
///
/// Before `row` and `above` lie `pixel` bytes of 0; `candidates` has room for four rows, `filtered` for one.
int cimages_png_filter(
    const uint8_t *row, const uint8_t *above, size_t count, size_t pixel, uint8_t *candidates, uint8_t *filtered);

// ---------------------------------------------------------------- JPEG

typedef struct CImagesJPEG CImagesJPEG;

/// What the JPEG's header says. `components` are those of a decoded row: 1 grey, 3 RGB, 4 CMYK as stored.
typedef struct {
    uint32_t width, height;
    int components, is_progressive;
} CImagesJPEGHeader;

CImagesJPEG *cimages_jpeg_open(const uint8_t *bytes, size_t count);
void cimages_jpeg_close(CImagesJPEG *jpeg);
const char *cimages_jpeg_message(const CImagesJPEG *jpeg);
int cimages_jpeg_read_header(CImagesJPEG *jpeg, CImagesJPEGHeader *header);
/// The application marker at `index` in file order (its number, 1 or 2, in `number`) and its size; -1 after the last.
long cimages_jpeg_marker(CImagesJPEG *jpeg, int index, int *number, const uint8_t **data);
/// Starts decoding; a file of more than `maximum_scans` scans ends in CIMAGES_TOO_MANY_SCANS.
int cimages_jpeg_start(CImagesJPEG *jpeg, int maximum_scans);
int cimages_jpeg_read_row(CImagesJPEG *jpeg, uint8_t *row);
int cimages_jpeg_finish(CImagesJPEG *jpeg);

/// A baseline JPEG of RGB rows, its colours at full or half the resolution; `dots_per_inch` may be 0 for none. `out` is
/// freed by `cimages_jpeg_free`.
int cimages_jpeg_encode(
    const uint8_t *rgb, int width, int height, int quality, int is_full_color, int dots_per_inch, uint8_t **out,
    size_t *out_count);
void cimages_jpeg_free(uint8_t *out);

// ---------------------------------------------------------------- Little CMS

// The pixel layouts are macros of shifts and casts, which Swift does not import.
static inline uint32_t cimages_lcms_gray8(void) { return TYPE_GRAY_8; }
static inline uint32_t cimages_lcms_cmyk8(void) { return TYPE_CMYK_8; }
static inline uint32_t cimages_lcms_rgba8(void) { return TYPE_RGBA_8; }

#endif
