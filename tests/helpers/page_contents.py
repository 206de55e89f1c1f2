"""Sections with every kind of element, for tests of the page."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd

from bloodnets.constants import CLASS_NAMES
from reports.analysis.reproduction import Verdict
from reports.format.table import Column, Table, make_table
from reports.format.text import DataLabel
from reports.page.live_page import LivePage, LiveTrial
from reports.page.render import Banner, PageHeader
from reports.sections.elements import HeatMap, HeatMapCell, Section
from reports.sections.errors.misclassified import arrange_tiles, encode_png
from reports.sections.gallery import ClassError, Gallery, GalleryModel, ImageErrors, Thumbnail

INJECTED_HTML = "\"'><script>alert(1)</script>"
DATA_LABEL = DataLabel(
    warning="", short="cells.npz", full="cells.npz, SHA-256 " + "0123456789abcdef" * 4
)
CONFIGURATION_NAMES = [f"{family}-config-{i}" for family in ("mlnn", "cnn") for i in (1, 2, 3, 10)]

LIVE_TRIAL = LiveTrial(
    name="cnn-config-1-s0",
    settings="",
    state="running",
    epoch="3/20",
    last="80.00%",
    best="90.00%",
    values=[0.5, 0.9, 0.8],
    max_epochs=20,
    elapsed="0:30",
)
LIVE_PAGE = LivePage(
    name="s",
    kind="grid",
    data=DataLabel(warning="", short="cells", full="cells"),
    activity="Running.",
    facts=[("Best so far", "90%")],
    n_ended=1,
    n_planned=4,
    progress=1.15,
    failures=[],
    trials=[LIVE_TRIAL],
    read_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    refresh_s=3,
    report=None,
)


def make_page_inputs() -> tuple[PageHeader, list[Section]]:
    """Return the arguments of `render_report`: a banner, a verdict and every kind of element."""
    sections = [
        Section(
            key="summary",
            title="Summary",
            paragraphs=(
                "Every CNN is above every MLNN. " * 4,
                "The variance across seeds is unknown.",
            ),
            bullets=("16 of 28 pairs differ.", "7 of 12 claims are supported. " * 4),
        ),
        Section(
            key="attack", title=INJECTED_HTML, paragraphs=(INJECTED_HTML,), bullets=(INJECTED_HTML,)
        ),
        Section(key="claims", title="The claims of the paper", tables=(_make_claims_table(),)),
        Section(
            key="pairwise",
            title="Which configurations differ",
            paragraphs=("Points by which the row is above the column.",),
            heat_maps=tuple(
                _make_heat_map(title)
                for title in ("Accuracy", "Macro F1", INJECTED_HTML, "AUC", "MCC")
            ),
            tables=(_make_number_table(), _make_class_table()),
        ),
        Section(key="misclassified", title="Misclassified cells", gallery=make_gallery(n_open=14)),
        Section(
            key="models",
            title="Models",
            heat_maps=tuple(_make_heat_map(title, "[1, 2]") for title in ("Recall", "Precision")),
            tables=(_make_model_table(),),
            notes=("How the models are ranked.",),
        ),
        *(Section(key=f"more-{i}", title=f"A section with a title, number {i}") for i in range(9)),
    ]
    notices = tuple(
        f"{name}-s0-1a2b3c4d: /data/{'long' * 30}/x.npz is gone" for name in CONFIGURATION_NAMES[:3]
    )
    banner = Banner(
        heading="3 of 8 trials were left out of this report", notices=(*notices, INJECTED_HTML)
    )
    header = PageHeader(
        title="Eight classifiers on cells.npz, 3 seeds",
        study="handmade",
        data=DATA_LABEL,
        banner=banner,
    )
    return header, sections


def _make_claims_table() -> Table:
    verdicts = [
        *("supported", "contradicted", "inconclusive", *Verdict),
        INJECTED_HTML,
    ]
    frame = pd.DataFrame(
        {
            "claim": [f"{i}. The CNN is better than the MLNN. " * 3 for i in range(len(verdicts))],
            "verdict": verdicts,
            "evidence": ["The difference is 6.10 points, interval 5.20 to 7.00. " * 2]
            * len(verdicts),
        }
    )
    columns = (
        Column(key="claim", heading=("Claim",), unit="prose"),
        Column(key="verdict", heading=("Verdict",), unit="verdict"),
        Column(key="evidence", heading=("Evidence",), unit="prose"),
    )
    return make_table("claims", "Claims and verdicts. Data: cells.npz", columns, frame)


def _make_number_table() -> Table:
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
        Column(key="name", heading=("Configuration",)),
        Column(key="accuracy", heading=("Accuracy", "(%)"), unit="percent"),
        Column(key="interval", heading=("95% confidence", "interval (%)"), unit="interval"),
        Column(key="gain", heading=("Gain", "(points)"), unit="points"),
        Column(key="p", heading=("p",), unit="p"),
        Column(key="images", heading=("Images",), unit="count"),
    )
    return make_table("numbers", "Every way to write a number. Data: cells.npz", columns, frame)


def _make_model_table() -> Table:
    """A marked value, and a row that is hidden at first."""
    columns = [
        Column(key="name", heading=("Model",)),
        Column(key="f1", heading=("F1", "(%)"), unit="percent", mark_highest=True),
    ]
    frame = pd.DataFrame({"name": ["best", "copy", "worse"], "f1": [0.9, 0.9, 0.5]})
    return make_table("models", "Models. Data: cells.npz", columns, frame, hidden=[1])


def _make_class_table() -> Table:
    frame = pd.DataFrame(
        {
            "configuration": ["cnn-config-2"] * 2 + ["cnn-config-10"] * 2,
            "label": ["0 basophil", "1 eosinophil"] * 2,
            "f1": [0.91, 0.99, 0.95, 0.93],
        }
    )
    columns = (
        Column(key="configuration", heading=("Configuration",)),
        Column(key="label", heading=("Class",)),
        Column(key="f1", heading=("F1", "(%)"), unit="percent"),
    )
    table_caption = "Scores of each class"
    return make_table("groups", table_caption, columns, frame, group="configuration")


def _make_heat_map(title: str, detail: str = "") -> HeatMap:
    """Differences that grow from below left to above right; small ones are faint."""
    cells = tuple(
        tuple(
            HeatMapCell(
                text=f"{j - i:+.2f}",
                detail=detail,
                shade=_clip_shade(j - i),
                faint=abs(j - i) == 1,
            )
            for j in range(8)
        )
        for i in range(8)
    )
    caption_text = f"{INJECTED_HTML} Points by which the row is above the column."
    labels = tuple(name.partition("(")[0] for name in CLASS_NAMES)
    return HeatMap(
        title=title,
        caption=caption_text,
        rows=tuple(CONFIGURATION_NAMES),
        columns=labels,
        cells=cells,
    )


def _clip_shade(difference: int) -> int:
    return max(-5, min(5, difference))


def make_gallery(*, n_open: int, labels: tuple[str, ...] = CLASS_NAMES) -> Gallery:
    """Return a gallery of 14 images of two models with two and one trials.

    Image i is of class i % 2. The first model takes it for class 3, in two trials if i is even and
    in one otherwise; the second one takes image 5 for class 4. Another image of class 0, which the
    first model takes for class 3, is omitted. The red value of image i is 10 i.
    """
    pixels = np.zeros((14, 28, 28, 3), np.uint8)
    pixels[..., 0] = 10 * np.arange(14)[:, None, None]
    thumbnails = tuple(
        Thumbnail(
            alt=f"Cell {i}, cells.npz {INJECTED_HTML}",
            lines=(
                f"test image {i} {INJECTED_HTML}",
                "true: 3 immature granulocytes",
                "seen as: 6 neutrophil, 24 of 24",
            ),
            image=ImageErrors(
                i % 2, (ClassError(0, 3, 2 - i % 2), *((ClassError(1, 4, 1),) if i == 5 else ()))
            ),
        )
        for i in range(14)
    )
    return Gallery(
        sprite=encode_png(arrange_tiles(pixels, 5)),
        side=28,
        n_columns=5,
        thumbnails=thumbnails,
        n_open=n_open,
        omitted=(ImageErrors(0, (ClassError(0, 3, 1),)),),
        classes=labels,
        models=(GalleryModel(f"first {INJECTED_HTML}", 2), GalleryModel("second", 1)),
    )
