"""Sections made by hand with everything that a section can hold, for tests of the page alone."""

import io

import numpy as np
import pandas as pd
from matplotlib.image import imsave

from reports.format.table import Column, Table, table
from reports.format.text import DataWords
from reports.page.render import Banner
from reports.sections.elements import Cell, Grid, Section, Thumbnail
from tests import synthetic

ATTACK = "\"'><script>alert(1)</script>"
DATA = DataWords(mark="", short="cells.npz", full="cells.npz, SHA-256 " + "0123456789abcdef" * 4)
NAMES = [f"{family}-config-{i}" for family in ("mlnn", "cnn") for i in (1, 2, 3, 10)]


def contents() -> tuple[str, DataWords, Banner, list[Section]]:
    """What `page.render` takes: a study with a banner, a verdict and every kind of element."""
    sections = [
        Section(
            key="summary",
            title="In short",
            words=("Every CNN is above every MLNN. " * 4, "What the seeds cannot tell is said."),
            points=("Of 28 pairs, 16 differ.", "Of 12 claims, 7 are supported. " * 4),
        ),
        Section(key="attack", title=ATTACK, words=(ATTACK,), points=(ATTACK,)),
        Section(key="claims", title="The claims of the paper", tables=(_claims(),)),
        Section(
            key="pairs",
            title="Which differences are real",
            words=("Points by which the row is above the column.",),
            grids=tuple(_grid(title) for title in ("Accuracy", "Macro F1", ATTACK, "AUC")),
            tables=(_numbers(), _groups()),
        ),
        Section(key="hardest", title="The hardest cells", gallery=_gallery()),
        *(Section(key=f"more-{i}", title=f"A section with a title, number {i}") for i in range(9)),
    ]
    notices = tuple(f"{name}-s0-1a2b3c4d: /data/{'long' * 30}/x.npz is gone" for name in NAMES[:3])
    banner = Banner(
        heading="3 of 8 trials were left out of this report", notices=(*notices, ATTACK)
    )
    return "handmade", DATA, banner, sections


def _claims() -> Table:
    verdicts = ["supported", "contradicted", "cannot tell", "inside", "outside", "not comparable"]
    verdicts.append(ATTACK)
    frame = pd.DataFrame(
        {
            "claim": [f"{i}. The CNN is better than the MLNN. " * 3 for i in range(7)],
            "verdict": verdicts,
            "evidence": ["The difference is 6.10 points, interval 5.20 to 7.00. " * 2] * 7,
        }
    )
    columns = (
        Column(key="claim", head=("Claim",), unit="prose"),
        Column(key="verdict", head=("Verdict",), unit="verdict"),
        Column(key="evidence", head=("Evidence",), unit="prose"),
    )
    return table("claims", "Claims and verdicts. Data: cells.npz", columns, frame)


def _numbers() -> Table:
    """Every way in which a number is written; the last row holds dashes."""
    frame = pd.DataFrame(
        {
            "name": ["cnn-config-10", "cnn-config-2", "mlnn-config-1", "cnn-config-1"],
            "accuracy": [0.9, 0.0995, 0.891, np.nan],
            "accuracy_sd": [0.002, 0.001, np.nan, np.nan],
            "gain": [-0.012, 0.061, 0.0, np.nan],
            "gain_low": [-0.02, 0.05, -0.1, np.nan],
            "gain_high": [-0.01, 0.07, 0.1, np.nan],
            "p": [0.00001, 0.0312, 0.0001, np.nan],
            "images": [1200, 35, 4_179_568, np.nan],
        }
    ).assign(interval=0.0, interval_low=[0.9288, 0.05, 1, np.nan], interval_high=1.0)
    frame.loc[3, "interval"] = np.nan
    columns = (
        Column(key="name", head=("Configuration",)),
        Column(key="accuracy", head=("Accuracy", "(%)"), unit="percent"),
        Column(key="interval", head=("95 % interval", "(%)"), unit="interval"),
        Column(key="gain", head=("Gain", "(points)"), unit="points"),
        Column(key="p", head=("p",), unit="p"),
        Column(key="images", head=("Images",), unit="count"),
    )
    return table("numbers", "Every way to write a number. Data: cells.npz", columns, frame)


def _groups() -> Table:
    frame = pd.DataFrame(
        {
            "configuration": ["cnn-config-2"] * 2 + ["cnn-config-10"] * 2,
            "label": ["0 basophil", "1 eosinophil"] * 2,
            "f1": [0.91, 0.99, 0.95, 0.93],
        }
    )
    columns = (
        Column(key="configuration", head=("Configuration",)),
        Column(key="label", head=("Class",)),
        Column(key="f1", head=("F1", "(%)"), unit="percent"),
    )
    named = "Scores of each class. Data: cells.npz"
    return table("groups", named, columns, frame, group="configuration")


def _grid(title: str) -> Grid:
    """Differences that grow from below left to above right; small ones are faint."""
    cells = tuple(
        tuple(
            Cell(text=f"{j - i:+.2f}", shade=_shade(j - i), faint=abs(j - i) == 1) for j in range(8)
        )
        for i in range(8)
    )
    text = f"{ATTACK} Points by which the row is above the column. Data: cells.npz"
    labels = tuple(name.partition("(")[0] for name in synthetic.CLASS_NAMES)
    return Grid(title=title, caption=text, rows=tuple(NAMES), columns=labels, cells=cells)


def _shade(difference: int) -> int:
    return max(-5, min(5, difference))


def _gallery() -> tuple[Thumbnail, ...]:
    made = []
    for i in range(14):
        buffer = io.BytesIO()
        pixels = np.random.default_rng(i).integers(0, 256, (28, 28, 3), dtype=np.uint8)
        imsave(buffer, pixels, format="png")
        lines = (
            f"test image {i} {ATTACK}",
            "true: 3 immature granulocytes",
            "seen as: 6 neutrophil, 24 of 24",
        )
        made.append(
            Thumbnail(png=buffer.getvalue(), alt=f"Cell {i}, cells.npz {ATTACK}", lines=lines)
        )
    return tuple(made)
