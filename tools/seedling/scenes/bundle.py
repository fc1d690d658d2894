"""Fonts and clip art in one folder, for a machine that has neither and no internet.

  python -m scenes.bundle FOLDER        # here; then there, with the folder at hand:
  export SEEDLING_FONTS=FOLDER/fonts SEEDLING_CLIPART=FOLDER/clipart.npz"""

import io
import os
import shutil
import sys

import numpy as np

from . import clipart, text

LARGEST_FACE = 30_000_000  # bytes; one face a file is enough of the largest collections
COLLECTIONS = ("NotoSansCJK-Bold", "NotoSerifCJK-Regular")


def png(im):
    data = io.BytesIO()
    im.save(data, "PNG")
    return np.frombuffer(data.getvalue(), np.uint8)


def main(folder):
    os.makedirs(f"{folder}/fonts", exist_ok=True)
    wanted = {f for side in (False, True) for files in text.faces(side).values() for f in files}
    for face in sorted(wanted):
        large = "CJK" in face and not any(c in face for c in COLLECTIONS)
        if not large and os.path.getsize(face) <= LARGEST_FACE:
            shutil.copy(face, f"{folder}/fonts")
    pictures = {}
    for side, name in ((False, "train"), (True, "held")):
        for i, im in enumerate(clipart.load(side)):
            pictures[f"{name}{i:05d}"] = png(im)
    np.savez(f"{folder}/clipart.npz", **pictures)
    size = sum(os.path.getsize(os.path.join(root, f)) for root, _, files in os.walk(folder) for f in files)
    print(f"{folder}: {len(wanted)} faces, {len(pictures)} pictures, {size / 1e6:.0f} MB")


if __name__ == "__main__":
    main(sys.argv[1])
