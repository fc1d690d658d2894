"""Fonts and clip art in one folder, for a machine that has neither and no internet.

  python -m scenes.bundle FOLDER        # here; then there, with the folder at hand:
  export SEEDLING_FONTS=FOLDER/fonts SEEDLING_CLIPART=FOLDER/clipart.npz"""

import io
import os
import string
import sys

import numpy as np
from fontTools import subset
from fontTools.ttLib import TTLibError

from . import clipart, text

COLLECTIONS = ("NotoSansCJK-Bold", "NotoSerifCJK-Regular")  # of the largest collections one weight each is enough
LETTERS = "".join(text.WORDS) + text.CJK + text.KANA + text.HANGUL + text.CYR + text.GRK + text.ARB + text.DEV
LETTERS += LETTERS.upper() + text.HEB + text.THA + string.printable


def packed(im):
    data = io.BytesIO()
    im.save(data, "WEBP", quality=80, method=6)
    return np.frombuffer(data.getvalue(), np.uint8)


def write_face(face, folder):
    """The face with the letters that scenes are written in, and nothing else."""
    options = subset.Options(layout_features=["*"], notdef_outline=True, hinting=False, drop_tables=["DSIG", "FFTM"])
    options.font_number = 0
    font = subset.load_font(face, options)
    kept = subset.Subsetter(options)
    kept.populate(text=LETTERS)
    kept.subset(font)
    name = os.path.basename(face)
    font.save(f"{folder}/{os.path.splitext(name)[0]}{'.otf' if font.sfntVersion == 'OTTO' else '.ttf'}")


def main(folder):
    os.makedirs(f"{folder}/fonts", exist_ok=True)
    wanted = {f for side in (False, True) for files in text.faces(side).values() for f in files}
    for face in sorted(wanted):
        if "CJK" not in face or any(c in face for c in COLLECTIONS):
            try:
                write_face(face, f"{folder}/fonts")
            except (TTLibError, subset.Subsetter.SubsettingError) as error:
                print(f"{face}: left out, {error}")
    pictures = {}
    for side, name in ((False, "train"), (True, "held")):
        for i, im in enumerate(clipart.load(side)):
            pictures[f"{name}{i:05d}"] = packed(im)
    np.savez(f"{folder}/clipart.npz", **pictures)
    size = sum(os.path.getsize(os.path.join(root, f)) for root, _, files in os.walk(folder) for f in files)
    print(f"{folder}: {len(wanted)} faces, {len(pictures)} pictures, {size / 1e6:.0f} MB")


if __name__ == "__main__":
    main(sys.argv[1])
