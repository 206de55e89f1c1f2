"""Make a folder of small images with five classes, as in the tutorial "Your own cells".

The cells are synthetic, but the folder is like those of a laboratory: sizes and formats differ, the
classes have unequal numbers of images, each patient has several images, one image was copied, and
one file is damaged.

    python examples/make_cells.py cells
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bloodnets.data.synthetic import generate_synthetic_arrays

# Number of images and label in the synthetic data of each class.
CLASSES = {
    "eosinophil": (24, 1),
    "immature granulocyte": (12, 3),
    "lymphocyte": (58, 4),
    "monocyte": (36, 5),
    "neutrophil": (69, 6),
}
SUFFIXES = (".png", ".jpg", ".tif", ".bmp")
N_PATIENTS = 20


def make_photograph(pixels: NDArray[np.uint8], rng: np.random.Generator) -> Image.Image:
    """Return a cell as an image of random width and height, from 44 to 90 pixels."""
    side = int(rng.integers(48, 91))
    image = Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC)
    n_cut = int(rng.integers(0, 5))
    return image.crop((0, 0, side, side - n_cut))


def write_cells(folder: Path) -> list[tuple[str, str]]:
    """Write the images, and return the name and the patient of each file."""
    arrays = generate_synthetic_arrays(scale=0.1)
    labels = arrays["train_labels"][:, 0]
    rng = np.random.default_rng(0)
    rows = []
    for name, (n_images, label) in CLASSES.items():
        (folder / name).mkdir(parents=True)
        cells = arrays["train_images"][labels == label][:n_images]
        for number, pixels in enumerate(cells, start=1):
            file = f"{name}/{number:03}{rng.choice(SUFFIXES)}"
            make_photograph(pixels, rng).save(folder / file)
            rows.append((file, f"patient {rng.integers(1, N_PATIENTS + 1)}"))
    return rows


def main() -> None:
    """Write the folder that is named on the command line."""
    parser = argparse.ArgumentParser(description="Make a folder of synthetic cells.")
    parser.add_argument("folder", type=Path, help="new folder")
    folder = parser.parse_args().folder
    rows = write_cells(folder)

    original, patient = rows[-1]
    copy = f"neutrophil/copy of {Path(original).name}"
    (folder / copy).write_bytes((folder / original).read_bytes())
    damaged = "monocyte/damaged.png"
    (folder / damaged).write_bytes(b"no image")
    rows += [(copy, patient), (damaged, patient)]

    with (folder / "groups.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("file", "group"), *rows])
    print(f"{len(rows)} files in {folder}")


if __name__ == "__main__":
    main()
