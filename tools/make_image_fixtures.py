"""Make the fixtures of ImageCodecsTests: small pictures of every kind, and what Pillow and torch make of them.

    pip install pillow==13.0.0 numpy==2.4.6 torch==2.15.0 torchvision==0.29.2
    python tools/make_image_fixtures.py Tests/ImageCodecsTests/Fixtures

decode/*            tiny PNG, JPEG and WebP files
decode.json         for each: its size and the CRC-32 of the RGBA bytes that must come out
resize.json         resizes of pictures made by a formula (the same as in the tests), with the CRC-32 of the result
composite.json      pictures made by the formula, with the CRC-32 of what they are over white
converted/*         RGBA bytes of the pictures with a colour profile, after conversion to sRGB by Little CMS
"""
import io, json, os, random, struct, sys, warnings, zlib
import numpy as np
from PIL import Image, ImageCms, ImageOps, features

warnings.simplefilter("ignore")
WIDTH, HEIGHT = 13, 9


def pattern(width, height, channels, kind, seed):
    """The formula of the tests' `Pattern.bytes`: xorshift32 noise, a gradient, or hard blocks."""
    state = (seed * 2654435761 & 0xFFFFFFFF) | 1
    out = bytearray()
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                state ^= state << 13 & 0xFFFFFFFF
                state ^= state >> 17
                state ^= state << 5 & 0xFFFFFFFF
                if kind == 0:
                    out.append(state >> 24)
                elif kind == 1:
                    out.append((x * (3 + c) + y * (7 - c) + (state >> 30)) & 255)
                else:
                    out.append(0 if (x // 5 + y // 3 + c) & 1 == 0 else 255)
    return np.frombuffer(bytes(out), np.uint8).reshape(height, width, channels)


# ------------------------------------------------------------------ PNG, written by hand to have every kind

def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def pack_rows(samples, depth, rng):
    """Rows of samples [h, w, c] as PNG has them, each with a filter type drawn at random."""
    height, width, channels = samples.shape
    step = max(1, channels * depth // 8)
    previous, out = None, b""
    for y in range(height):
        flat = samples[y].reshape(-1)
        if depth == 16:
            row = flat.astype(">u2").tobytes()
        elif depth == 8:
            row = flat.astype(np.uint8).tobytes()
        else:
            bits = "".join(format(int(v), f"0{depth}b") for v in flat)
            bits += "0" * (-len(bits) % 8)
            row = bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))
        up = previous or bytes(len(row))
        kind = rng.randrange(5)
        coded = bytearray()
        for i, value in enumerate(row):
            a = row[i - step] if i >= step else 0
            b, c = up[i], up[i - step] if i >= step else 0
            p = a + b - c
            paeth = a if abs(p - a) <= abs(p - b) and abs(p - a) <= abs(p - c) else b if abs(p - b) <= abs(p - c) else c
            coded.append(value - (0, a, b, (a + b) // 2, paeth)[kind] & 255)
        out += bytes([kind]) + bytes(coded)
        previous = row
    return out


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def png(samples, depth, color_type, interlaced=False, before=(), after=()):
    height, width, _ = samples.shape
    rng = random.Random(width * 31 + depth * 7 + color_type)
    if interlaced:
        raw = b"".join(pack_rows(samples[y::dy, x::dx], depth, rng) for x, y, dx, dy in ADAM7
                       if samples[y::dy, x::dx].size)
    else:
        raw = pack_rows(samples, depth, rng)
    compressed = zlib.compress(raw, 9)
    parts = [chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, int(interlaced)))]
    parts += [chunk(*c) for c in before]
    half = len(compressed) // 2
    parts += [chunk(b"IDAT", compressed[:half]), chunk(b"IDAT", compressed[half:])]
    parts += [chunk(*c) for c in after] + [chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def samples(depth, channels, seed):
    values = np.random.default_rng(seed).integers(0, 1 << depth, (HEIGHT, WIDTH, channels))
    values[2:5, 3:8] = values[2, 3]                      # a flat patch, for tRNS to hit
    return values


def grey_to_rgba(values, depth, transparent):
    eight = (values >> 8 if depth == 16 else values * (255 // ((1 << depth) - 1)))[..., 0].astype(np.uint8)
    alpha = np.where(values[..., 0] == transparent, 0, 255).astype(np.uint8)
    return np.stack([eight, eight, eight, alpha], -1)


# ------------------------------------------------------------------ metadata

def exif(orientation, order="<", kind=3):
    mark = b"II" if order == "<" else b"MM"
    value = struct.pack(order + ("HH" if kind == 3 else "I"), *((orientation, 0) if kind == 3 else (orientation,)))
    entries = [struct.pack(order + "HHII", 0x0100, 4, 1, WIDTH), struct.pack(order + "HHI", 0x0112, kind, 1) + value]
    return mark + struct.pack(order + "HIH", 42, 8, len(entries)) + b"".join(entries) + bytes(4)


XMP = (b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
       b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>')


def icc(space, tags):
    """A profile of the given colour space from tag name and data."""
    table, data, offset = b"", b"", 128 + 4 + 12 * len(tags)
    for name, content in tags:
        content += bytes(-len(content) % 4)
        table += name + struct.pack(">II", offset + len(data), len(content))
        data += content
    size = offset + len(data)
    kind = b"prtr" if space == b"CMYK" else b"mntr"
    pcs = b"Lab " if space == b"CMYK" else b"XYZ "
    header = struct.pack(">I4sI4s4s4s12x4s4s", size, b"none", 0x02100000, kind, space, pcs, b"acsp", b"none")
    header += bytes(64 - len(header)) + struct.pack(">IIII", 0, 0xF6D6, 0x10000, 0xD32D)
    return header + bytes(128 - len(header)) + struct.pack(">I", len(tags)) + table + data


def text_tag(text):
    return b"desc" + bytes(4) + struct.pack(">I", len(text) + 1) + text + b"\0" + bytes(78)


def xyz(x, y, z):
    return b"XYZ " + bytes(4) + struct.pack(">iii", *(round(v * 65536) for v in (x, y, z)))


def gamma(value):
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(value * 256))


WIDE = icc(b"RGB ", [(b"desc", text_tag(b"wide")), (b"wtpt", xyz(0.9642, 1.0, 0.8249)),
                     (b"rXYZ", xyz(0.51512, 0.2412, -0.00105)), (b"gXYZ", xyz(0.29198, 0.69225, 0.04189)),
                     (b"bXYZ", xyz(0.1571, 0.06657, 0.78407)),
                     (b"rTRC", gamma(1.8)), (b"gTRC", gamma(1.8)), (b"bTRC", gamma(1.8))])
GREY = icc(b"GRAY", [(b"desc", text_tag(b"grey")), (b"wtpt", xyz(0.9642, 1.0, 0.8249)), (b"kTRC", gamma(1.5))])


def ink():
    """A CMYK profile of two grid points a colour: lightness falls with ink, tints turn its colour."""
    grid = b""
    for c in (0, 1):
        for m in (0, 1):
            for y in (0, 1):
                for k in (0, 1):
                    light = max(0.0, 1 - 0.25 * (c + m + y) - 0.9 * k)
                    grid += bytes([round(light * 255), 128 - 50 * c * (1 - k) + 60 * m * (1 - k),
                                   128 - 40 * c * (1 - k) + 70 * y * (1 - k)])
    identity = bytes(range(256))
    matrix = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + matrix + identity * 4 + grid + identity * 3
    return icc(b"CMYK", [(b"desc", text_tag(b"ink")), (b"wtpt", xyz(0.9642, 1.0, 0.8249)), (b"A2B0", lut)])


# ------------------------------------------------------------------ the files

def make_png_files(files):
    for depth in (1, 2, 4, 8, 16):
        s = samples(depth, 1, depth)
        t = int(s[2, 3, 0])
        special = grey_to_rgba(s, depth, -1) if depth == 16 else None
        files[f"grey{depth}.png"] = png(s, depth, 0), special
        files[f"grey{depth}-interlaced.png"] = png(s, depth, 0, True), special
        trns = grey_to_rgba(s, depth, t) if depth in (2, 4, 16) else None
        files[f"grey{depth}-trns.png"] = png(s, depth, 0, before=[(b"tRNS", struct.pack(">H", t))]), trns
    for depth in (8, 16):
        for channels, color_type, name in ((3, 2, "rgb"), (2, 4, "greyalpha"), (4, 6, "rgba")):
            s = samples(depth, channels, depth + channels)
            files[f"{name}{depth}.png"] = png(s, depth, color_type), None
            files[f"{name}{depth}-interlaced.png"] = png(s, depth, color_type, True), None
        s = samples(depth, 3, depth + 3)
        trns = None
        if depth == 16:
            eight = (s >> 8).astype(np.uint8)
            trns = np.concatenate([eight, np.where((s == s[2, 3]).all(-1), 0, 255).astype(np.uint8)[..., None]], -1)
        files[f"rgb{depth}-trns.png"] = png(s, depth, 2, before=[(b"tRNS", struct.pack(">3H", *s[2, 3]))]), trns
    rng = np.random.default_rng(3)
    for depth in (1, 2, 4, 8):
        s = samples(depth, 1, 40 + depth)
        n = 1 << depth
        palette = (b"PLTE", rng.integers(0, 256, n * 3, dtype=np.uint8).tobytes())
        files[f"palette{depth}.png"] = png(s, depth, 3, before=[palette]), None
        files[f"palette{depth}-interlaced.png"] = png(s, depth, 3, True, before=[palette]), None
        alphas = rng.integers(0, 256, max(1, n - 1), dtype=np.uint8).tobytes()
        files[f"palette{depth}-trns.png"] = png(s, depth, 3, before=[palette, (b"tRNS", alphas)]), None
        single = (b"tRNS", b"\xff" * (n // 2) + b"\0")
        files[f"palette{depth}-onetrns.png"] = png(s, depth, 3, before=[palette, single]), None
    short = (b"PLTE", rng.integers(0, 256, 30, dtype=np.uint8).tobytes())
    s = samples(8, 1, 5) % 10
    files["palette8-short.png"] = png(s, 8, 3, before=[short]), None
    s = samples(8, 4, 77)
    files["exif.png"] = png(s, 8, 6, before=[(b"eXIf", exif(6))]), None
    files["exif-late.png"] = png(s, 8, 6, after=[(b"eXIf", exif(8, ">"))]), None
    raw = b"Exif\0\0" + exif(5)
    profile = b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n%8d\n" % len(raw) + raw.hex().encode() + b"\n")
    files["exif-text.png"] = png(s, 8, 6, before=[(b"zTXt", profile)]), None
    xmp = b"XML:com.adobe.xmp\0\0\0\0\0" + XMP
    files["xmp.png"] = png(s, 8, 6, before=[(b"iTXt", xmp)]), None
    files["one.png"] = png(samples(8, 3, 9)[:1, :1], 8, 2), None
    files["row.png"] = png(samples(8, 3, 9)[:1], 8, 2, True), None
    files["column.png"] = png(samples(8, 3, 9)[:, :1], 8, 2, True), None
    iccp = lambda p: (b"iCCP", b"p\0\0" + zlib.compress(p))
    files["icc-rgb.png"] = png(samples(8, 4, 12), 8, 6, before=[iccp(WIDE)]), None
    files["icc-grey.png"] = png(samples(8, 2, 13), 8, 4, before=[iccp(GREY)]), None
    files["icc-srgb.png"] = png(samples(8, 3, 14), 8, 2, before=[iccp(srgb())]), None


def srgb():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile[:24] + bytes(12) + profile[36:]       # without its date


def saved(array, mode, format, **options):
    out = io.BytesIO()
    Image.fromarray(array, mode).save(out, format, **options)
    return out.getvalue()


def smooth(channels, width=21, height=17):
    y, x = np.mgrid[0:height, 0:width]
    planes = [(x * 11 + y * 3) % 256, (x * 5 + y * 13) % 256, (255 - x * 7) % 256, (40 + y * 9) % 256][:channels]
    return np.ascontiguousarray(np.stack(planes, -1).astype(np.uint8))


def make_jpeg_files(files):
    grey, rgb, cmyk = smooth(1)[..., 0], smooth(3), smooth(4)
    files["grey.jpg"] = saved(grey, "L", "JPEG", quality=85), None
    files["grey-progressive.jpg"] = saved(grey, "L", "JPEG", quality=85, progressive=True), None
    for name, sampling in (("444", 0), ("422", 1), ("420", 2)):
        files[f"rgb-{name}.jpg"] = saved(rgb, "RGB", "JPEG", quality=80, subsampling=sampling), None
        files[f"rgb-{name}-progressive.jpg"] = saved(rgb, "RGB", "JPEG", quality=60, subsampling=sampling,
                                                     progressive=True), None
    files["rgb-stored.jpg"] = saved(rgb, "RGB", "JPEG", quality=80, keep_rgb=True), None
    files["rgb-restart.jpg"] = saved(rgb, "RGB", "JPEG", quality=80, restart_marker_blocks=1), None
    files["cmyk.jpg"] = saved(cmyk, "CMYK", "JPEG", quality=85), None
    data = bytearray(files["cmyk.jpg"][0])
    at = data.index(b"Adobe")
    data[at + 11] = 2                                    # the transform: now it is YCCK
    files["ycck.jpg"] = bytes(data), None
    files["cmyk-noadobe.jpg"] = bytes(data[:at - 4] + data[at + 12:]), None
    small = smooth(3, 10, 7)
    for orientation in range(1, 9):
        block = b"Exif\0\0" + exif(orientation, "<>"[orientation % 2])
        files[f"orientation{orientation}.jpg"] = saved(small, "RGB", "JPEG", quality=90, exif=block), None
    files["orientation-long.jpg"] = saved(small, "RGB", "JPEG", exif=b"Exif\0\0" + exif(3, ">", 4)), None
    files["orientation-xmp.jpg"] = saved(small, "RGB", "JPEG", xmp=XMP), None
    files["orientation-none.jpg"] = saved(small, "RGB", "JPEG", exif=b"Exif\0\0" + exif(9)), None
    files["icc-rgb.jpg"] = saved(rgb, "RGB", "JPEG", quality=85, icc_profile=WIDE), None
    files["icc-grey.jpg"] = saved(grey, "L", "JPEG", quality=85, icc_profile=GREY), None
    files["icc-cmyk.jpg"] = saved(cmyk, "CMYK", "JPEG", quality=85, icc_profile=ink()), None
    files["icc-mismatch.jpg"] = saved(rgb, "RGB", "JPEG", quality=85, icc_profile=GREY), None


def make_webp_files(files):
    rgb, rgba = smooth(3), smooth(4)
    files["lossy.webp"] = saved(rgb, "RGB", "WEBP", quality=70), None
    files["lossy-alpha.webp"] = saved(rgba, "RGBA", "WEBP", quality=70), None
    files["lossless.webp"] = saved(rgb, "RGB", "WEBP", lossless=True), None
    files["lossless-alpha.webp"] = saved(rgba, "RGBA", "WEBP", lossless=True, exact=True), None
    files["exif.webp"] = saved(rgb, "RGB", "WEBP", lossless=True, exif=b"Exif\0\0" + exif(7)), None
    files["icc-rgb.webp"] = saved(rgba, "RGBA", "WEBP", lossless=True, icc_profile=WIDE), None


def reference(data):
    return np.array(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGBA"))


def converted(data):
    """What a picture with a profile is in sRGB: Little CMS on 8-bit samples, alpha kept; None if nothing is to do."""
    image = Image.open(io.BytesIO(data))
    profile = image.info.get("icc_profile")
    if not profile:
        return None
    alpha = image.convert("RGBA").getchannel("A")
    mode = {"LA": "L", "L": "L", "RGB": "RGB", "RGBA": "RGB", "CMYK": "CMYK"}[image.mode]
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    if {"GRAY": "L", "RGB ": "RGB", "CMYK": "CMYK"}[source.profile.xcolor_space] != mode:
        return None
    plain = image.getchannel("L") if image.mode == "LA" else image.convert(mode)
    out = ImageCms.profileToProfile(plain, source, ImageCms.createProfile("sRGB"), outputMode="RGB",
                                    renderingIntent=ImageCms.Intent.PERCEPTUAL)
    result = out.convert("RGBA")
    result.putalpha(alpha)
    before, after = np.array(image.convert("RGBA")).astype(int), np.array(result)
    return None if mode == "RGB" and np.abs(before - after).max() <= 1 else after


def make_decode(folder):
    files = {}
    make_png_files(files)
    make_jpeg_files(files)
    make_webp_files(files)
    for name in ("decode", "converted"):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    listed = []
    for name, (data, special) in sorted(files.items()):
        with open(os.path.join(folder, "decode", name), "wb") as f:
            f.write(data)
        expected = special if special is not None else reference(data)
        entry = dict(file=name, width=expected.shape[1], height=expected.shape[0],
                     crc=zlib.crc32(np.ascontiguousarray(expected).tobytes()))
        if (srgb_pixels := converted(data)) is not None:
            entry["converted"] = name + ".rgba"
            with open(os.path.join(folder, "converted", name + ".rgba"), "wb") as f:
                f.write(srgb_pixels.tobytes())
        listed.append(entry)
    frames = [Image.fromarray(smooth(3)), Image.fromarray(255 - smooth(3))]
    frames[0].save(os.path.join(folder, "decode", "animated.webp"), save_all=True, append_images=frames[1:])
    write_json(folder, "decode.json", listed)


# ------------------------------------------------------------------ resizes and composites

SIZES = [  # width, height, new width, new height
    (64, 48, 32, 24), (64, 48, 20, 15), (33, 57, 100, 90), (57, 33, 16, 70), (100, 100, 99, 50), (100, 100, 50, 99),
    (40, 30, 41, 31), (31, 47, 31, 20), (31, 47, 64, 47), (3, 310, 5, 100), (3, 400, 9, 399), (310, 3, 90, 5),
    (1, 90, 4, 20), (90, 1, 20, 4), (1, 1, 17, 13), (5, 5, 1, 1), (7, 120, 1, 40), (120, 80, 7, 1), (64, 64, 96, 32),
    (64, 64, 32, 96), (20, 60, 10, 30), (81, 63, 28, 56), (2, 3, 130, 110), (150, 110, 149, 109),
]
TORCH_SIZES = [(64, 48, 28, 56), (100, 75, 84, 84), (57, 33, 112, 56), (33, 57, 28, 28), (150, 110, 140, 112),
               (31, 47, 56, 28), (20, 60, 28, 28), (3, 200, 28, 28), (200, 3, 28, 28), (40, 30, 56, 30),
               (40, 30, 40, 56), (81, 63, 84, 56), (64, 64, 65, 63), (12, 9, 140, 112), (128, 128, 28, 28),
               (29, 27, 28, 28)]


def make_resize(folder):
    import torch
    from torchvision.transforms.v2 import functional as tv
    cases = []

    def add(width, height, channels, kind, seed, new_width, new_height, name, result):
        cases.append(dict(width=width, height=height, channels=channels, kind=kind, seed=seed, newWidth=new_width,
                          newHeight=new_height, filter=name, crc=zlib.crc32(np.ascontiguousarray(result).tobytes())))

    for i, (w, h, nw, nh) in enumerate(SIZES):
        for name, which in (("lanczos", Image.Resampling.LANCZOS), ("bicubic", Image.Resampling.BICUBIC)):
            for channels in (3, 4):
                if (i + channels + len(name)) % 2 and i > 8:
                    continue
                kind = (i + channels) % 3
                a = pattern(w, h, channels, kind, i + 1)
                out = np.array(Image.fromarray(a, {3: "RGB", 4: "RGBA"}[channels]).resize((nw, nh), which))
                add(w, h, channels, kind, i + 1, nw, nh, name, out)
    torch.set_num_threads(1)
    for i, (w, h, nw, nh) in enumerate(TORCH_SIZES):
        a = pattern(w, h, 3, i % 3, 100 + i)
        t = torch.from_numpy(a.copy()).permute(2, 0, 1).contiguous()
        out = tv.resize(t, [nh, nw], interpolation=tv.InterpolationMode.BICUBIC, antialias=True)
        add(w, h, 3, i % 3, 100 + i, nw, nh, "torchAntialiasedBicubic", out.permute(1, 2, 0).numpy())
    write_json(folder, "resize.json", cases)


def make_composite(folder):
    cases = []
    for kind in (0, 1, 2):
        image = Image.fromarray(pattern(67, 59, 4, kind, 200 + kind), "RGBA")
        white = Image.alpha_composite(Image.new("RGBA", image.size, (255, 255, 255, 255)), image).convert("RGB")
        cases.append(dict(kind=kind, seed=200 + kind, crc=zlib.crc32(white.tobytes())))
    write_json(folder, "composite.json", cases)


def write_json(folder, name, rows):
    with open(os.path.join(folder, name), "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(r) for r in rows) + "\n]\n")


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    make_decode(folder)
    make_resize(folder)
    make_composite(folder)
    versions = {name: features.version(name) for name in ("pil", "jpg", "webp", "littlecms2")}
    print("made with", versions)


main()
