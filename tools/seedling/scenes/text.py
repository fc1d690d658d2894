"""Group 3, text: lines of any script, with outline, shadow, glow, gradient, rotation and curvature."""

import glob
import os

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .paint import gradient, ramp, random_colour, tone
from .pen import glow, shadow

WORDS = (
    "happy halloween sale new summer party music night open free design coffee love world dream big city the of and "
    "art show live best only now hello welcome festival spring winter autumn market fresh food organic travel "
    "adventure story fashion week black friday discount off save date join us today event concert jazz rock poster "
    "studio creative modern classic 2024 2025 2026 50% 100 vol. no. 1 & + ! ? fit run yoga health"
).split()
CJK = (
    "拒绝二手烟禁止吸烟节日快乐新年春夏秋冬大促销活动海报设计音乐美食旅行健康生活城市中国北京上海我们"
    "你的好时光家世界未来梦想学习读书会员免费限时优惠开业周年庆典欢迎光临今天明天爱心公益环保绿色安全"
)
KANA = "こんにちはありがとうセールまつりイベントデザインコーヒー東京大阪"
HANGUL = "안녕하세요행사축제할인커피서울사랑여름겨울디자인"
CYR = "привет мир праздник скидка лето зима музыка город новый день открытие"
GRK = "καλημέρα κόσμε μουσική γιορτή τέχνη"
ARB = "مرحبا سلام موسيقى مهرجان قهوة"
DEV = "नमस्ते संगीत उत्सव भारत"
HEB = "שלום מוזיקה חג"
THA = "สวัสดี ดนตรี งาน"


# Faces that training never sees: the evaluation set is written in them alone.
HELD_OUT_FACES = (
    "Lato",
    "LeagueSpartan",
    "Comfortaa",
    "DancingScript",
    "P052",
    "Carlito",
    "ReggaeOne",
    "NotoSerifCJK",
)
LATIN_FACES = (
    "DejaVuSans DejaVuSerif Liberation NimbusSans URWGothic URWBookman C059 P052 Z003 NotoSans- NotoSerif- "
    "NotoSansDisplay- NotoSerifDisplay- OpenSans Roboto Cabin Lobster Leckerli Bebas ComicNeue Kaushan Junction "
    "Cantarell Lato LeagueSpartan Comfortaa DancingScript Carlito"
).split()
SCRIPT_FACES = {
    "cjk": ("NotoSansCJK", "NotoSerifCJK"),
    "ar": ("NotoNaskhArabic", "NotoKufiArabic", "NotoSansArabic"),
    "dev": ("NotoSansDevanagari", "NotoSerifDevanagari"),
    "he": ("NotoSansHebrew", "NotoSerifHebrew"),
    "th": ("NotoSansThai", "NotoSerifThai"),
    "cyr": ("DejaVu", "Liberation", "NotoSans-", "NotoSerif-"),
}
_faces, _sizes = {}, {}


def faces(held_out):
    """Font files by script; of a script whose faces are all on one side, every face serves both sides."""
    if held_out not in _faces:
        root = os.environ.get("SEEDLING_FONTS", "/usr/share/fonts")
        files = sorted(f for e in ("ttf", "otf", "ttc") for f in glob.glob(f"{root}/**/*.{e}", recursive=True))

        def pick(keys):
            found = [f for f in files if any(k in os.path.basename(f) for k in keys)]
            found = [f for f in found if not any(k in f for k in ("Math", "Dings", "Thin", "Hairline", "ExtraLight"))]
            side = [f for f in found if any(k in os.path.basename(f) for k in HELD_OUT_FACES) == held_out]
            return side or found

        latin = pick(LATIN_FACES)
        bold = [f for f in latin if any(k in f for k in ("Bold", "Demi", "Black", "Heavy"))]
        _faces[held_out] = {"latin": bold * 2 + latin} | {k: pick(v) or latin for k, v in SCRIPT_FACES.items()}
    return _faces[held_out]


def choose_face(r, script, held_out):
    files = faces(held_out)[script]
    return files[int(r.integers(len(files)))]


def font(face, px):
    key = (face, max(5, int(px)))
    if key not in _sizes:
        if len(_sizes) > 600:
            _sizes.clear()
        _sizes[key] = ImageFont.truetype(*key)
    return _sizes[key]


def phrase(r):
    k = r.random()
    if k < 0.55:
        w = [WORDS[r.integers(len(WORDS))] for _ in range(int(r.choice([1, 1, 2, 2, 3, 5])))]
        s = " ".join(w)
        if r.random() < 0.15:
            s = "".join(chr(int(r.integers(97, 123))) for _ in range(int(r.integers(2, 10))))
        q = r.random()
        return "latin", s.upper() if q < 0.5 else s.title() if q < 0.8 else s
    if k < 0.80:
        n = int(r.integers(2, 9))
        src = CJK if r.random() < 0.75 else KANA if r.random() < 0.6 else HANGUL
        return "cjk", "".join(src[r.integers(len(src))] for _ in range(n))
    s, t = [("cyr", CYR), ("cyr", GRK), ("ar", ARB), ("dev", DEV), ("he", HEB), ("th", THA)][r.integers(6)]
    w = t.split()
    t = " ".join(w[r.integers(len(w))] for _ in range(int(r.integers(1, 3))))
    return s, t.upper() if s == "cyr" and r.random() < 0.5 else t


def draw_line(d, r, text, at, f, style, size):
    """One line with its shadow, stroke and fill; a stroke of the fill's colour makes a face bolder."""
    colour, stroke, stroke_colour, bold = style
    x, y = at
    if r.random() < 0.12:
        d.text((x + size * 0.05, y + size * 0.05), text, font=f, fill=(*tone(r, (30, 30, 30), 0.1), 255))
    if stroke:
        d.text(
            (x, y), text, font=f, fill=(*colour, 255), stroke_width=stroke + bold, stroke_fill=(*stroke_colour, 255)
        )
    if bold or not stroke:
        d.text((x, y), text, font=f, fill=(*colour, 255), stroke_width=bold, stroke_fill=(*colour, 255))


def bend(im, r, S):
    """The picture's columns shifted along an arc or a wave: curved lettering."""
    x = np.arange(S) / S - 0.5
    depth = r.uniform(-0.35, 0.35) * S
    lift = depth * (x * x * 4 - 0.5) if r.random() < 0.7 else 0.3 * depth * np.sin(x * r.uniform(6, 14))
    rows = np.arange(S)[:, None] - lift[None].round().astype(int)
    a = np.asarray(im)[rows.clip(0, S - 1), np.arange(S)[None]].copy()
    a[(rows < 0) | (rows >= S)] = 0
    return Image.fromarray(a)


def layout(r, S):
    """Number of lines, first baseline and size: titles, title with small print, dense blocks, a single word."""
    k = r.random()
    if k < 0.72:
        y = r.uniform(0.02, 0.85) * S if r.random() < 0.5 else r.uniform(0.02, 0.12) * S
        return int(r.choice([1, 1, 2, 2, 3, 4])), y, S * r.uniform(0.07, 0.24)
    if k < 0.86:
        return int(r.integers(4, 10)), r.uniform(0.02, 0.4) * S, S * r.uniform(0.045, 0.09)
    return int(r.integers(1, 3)), r.uniform(0.05, 0.5) * S, S * r.uniform(0.2, 0.4)


def write(d, r, S, held_out, colour, stroke_colour):
    """Lines from the top down until the picture is full."""
    n, y, size = layout(r, S)
    cx = 0.5 if r.random() < 0.6 else r.uniform(0.25, 0.75)
    left = r.uniform(0.02, 0.2) * S if r.random() < 0.25 else None
    width = 0 if r.random() < 0.75 else r.uniform(0.03, 0.09)
    script, _ = phrase(r)
    face = choose_face(r, script, held_out)
    for i in range(n):
        line_script, text = phrase(r)
        if line_script != script or r.random() < 0.3:
            script, face = line_script, choose_face(r, line_script, held_out)
        if r.random() < 0.3:
            colour = random_colour(r)
        if i and r.random() < 0.4:
            size = S * r.uniform(0.045, 0.14)
        f = font(face, size)
        box = f.getbbox(text)
        if box[2] - box[0] > 0.96 * S:
            f = font(face, max(S * 0.045, size * 0.96 * S / (box[2] - box[0])))
            box = f.getbbox(text)
        w, h = box[2] - box[0], box[3] - box[1]
        x = cx * S - w / 2 - box[0] if left is None else left - box[0]
        x = min(max(x, 0.01 * S - box[0]), 0.99 * S - w - box[0]) if w < S else x
        if y + h > S:
            break
        bold = max(1, int(size * 0.025)) if r.random() < 0.25 else 0
        stroke = max(1, int(width * size)) if width else 0
        draw_line(d, r, text, (x, y - box[1]), f, (colour, stroke, stroke_colour, bold), size)
        y += h + size * r.uniform(0.1, 0.35)
    return colour, width


def make_text(r, S, held_out=False):
    """Glyphs in one to ten lines over nothing; the shadow, glow and gradient are the text's own."""
    out = Image.new("RGBA", (S, S), (0, 0, 0, 0))
    stroke_colour = random_colour(r)
    colour, width = write(ImageDraw.Draw(out), r, S, held_out, random_colour(r), stroke_colour)
    if r.random() < 0.12:
        out = out.rotate(r.normal(0, 12), Image.BICUBIC)
    if r.random() < 0.1:
        out = bend(out, r, S)
    if r.random() < 0.12 and not width:
        filled = Image.fromarray(gradient(ramp(r, S), [colour, random_colour(r)]).clip(0, 255).astype(np.uint8))
        filled.putalpha(out.getchannel("A"))
        out = filled
    if r.random() < 0.06:
        return np.asarray(glow(r, out, S, tone(r, stroke_colour)))
    return np.asarray(shadow(r, out, S, 0.15))
