"""Values to text: numbers, words and names as every output shows them; nothing is computed."""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from reports.records import DataRecord, SearchRecord

BLANK = "\N{EN DASH}"
WORDS = {
    "cross_entropy": "CrossEntropy",
    "nll": "NLLLoss",
    "sgd": "SGD",
    "adam": "Adam",
    "adamw": "AdamW",
    "mlnn": "MLNN",
    "cnn": "CNN",
    "resnet": "ResNet",
    "one_cycle": "one-cycle",
    "True": "yes",
    "False": "no",
}
Unit = Literal[
    "text",
    "word",
    "prose",
    "verdict",
    "count",
    "mean",
    "percent",
    "score",
    "seconds",
    "millions",
    "setting",
    "rate",
    "share",
    "points",
    "interval",
    "points_interval",
    "p",
]

# Every number of a column has the same decimals, so that right-aligned columns align at the
# point. Percent has two, as the paper prints it.
_FORMATS: dict[str, str] = {
    "count": "{:,.0f}",
    "mean": "{:.1f}",
    "percent": "{:.2%}",
    "score": "{:.4f}",
    "seconds": "{:,.1f}",
    "millions": "{:,.2f}",
    "setting": "{:g}",
    "rate": "{:.2g}",
    "share": "{:.3f}",
    "points": "{:+.2f}",
    "p": "{:.4f}",
}
_SCALES = {"points": 100, "millions": 1e-6}
_SMALLEST_P = 0.0001
_TEXT = frozenset({"text", "word", "prose", "verdict"})


def word(value: object) -> str:
    """The written form of a setting's value, or the value itself if it has none."""
    return WORDS.get(str(value), str(value))


def method(loss: object, optimizer: object) -> str:
    """Loss and optimizer as the paper writes them: `CrossEntropy + SGD`."""
    return f"{word(loss)} + {word(optimizer)}"


def settings(config: Mapping[Any, Any]) -> str:
    """`CNN, Adam, learning rate 0.00093, dropout 0.13`, from a `TrialConfig` as a dict."""
    momentum = config["momentum"]
    parts = [word(config["family"]), word(config["optimizer"])]
    parts.append(f"learning rate {config['learning_rate']:.2g}")
    if momentum is not None and not pd.isna(momentum):
        parts.append(f"momentum {momentum:.2g}")
    parts.append(f"dropout {config['dropout']:.2g}")
    for name, text in (
        ("weight_decay", "weight decay {:.2g}"),
        ("label_smoothing", "smoothing {:.2g}"),
        ("width", "width {:.0f}"),
    ):
        value = config.get(name)
        if value is not None and not pd.isna(value):
            parts.append(text.format(value))
    return ", ".join(parts)


def search_words(search: SearchRecord) -> list[tuple[str, str]]:
    """What a search draws from, and how, each with its name."""
    low, high = search.learning_rate
    rungs = ", ".join(map(str, search.rungs)) or "none"
    return [
        ("Families", ", ".join(map(word, search.families))),
        ("Optimizers", ", ".join(map(word, search.optimizers))),
        ("Learning rate", f"{low:g} to {high:g}, log-uniform"),
        ("Dropout", "{:g} to {:g}, uniform".format(*search.dropout)),
        *_further(search),
        ("Sampler", f"{search.sampler}, seed {search.seed}"),
        ("Rungs", f"epochs {rungs} of {search.max_epochs}; 1 in {search.reduction} goes on"),
    ]


def _further(search: SearchRecord) -> list[tuple[str, str]]:
    if search.resnet is None:
        return [("Momentum", "{:g} to {:g}, uniform, where SGD".format(*search.momentum))]
    space = search.resnet
    return [
        ("Weight decay", "{:g} to {:g}, log-uniform".format(*space.weight_decay)),
        ("Label smoothing", "{:g} to {:g}, uniform".format(*space.label_smoothing)),
        ("Width", "{:g} to {:g}, in eights".format(*space.width)),
    ]


def known_as(search: SearchRecord) -> str:
    """What the configurations that a search proposes first are called."""
    return "published" if search.resnet is None else "starting"


def class_label(index: int, name: str) -> str:
    """A class's number and a name short enough for an axis.

    The names of `medmnist.INFO` explain themselves in parentheses, at a length that no axis
    bears. The number, which is what the paper calls a class by, keeps labels distinct.
    """
    short = name.partition("(")[0].strip() or name
    return f"{index} {short if len(short) <= 24 else short[:23] + '…'}"


def number(value: Any, unit: Unit) -> str:
    """A number in the decimals of its unit, a percentage without its sign; a dash for NaN.

    `points` are the difference of two fractions in percentage points, always signed; of
    `millions`, the number itself is given.
    """
    if pd.isna(value):
        return BLANK
    if unit == "p" and value < _SMALLEST_P:
        return f"< {_SMALLEST_P:.4f}"
    text = _FORMATS[unit].format(value * _SCALES.get(unit, 1))
    # A typographic minus, as wide as the plus; and no sign before what rounds to nothing.
    text = text.removesuffix("%").replace("-", "\N{MINUS SIGN}")
    return text.lstrip("+\N{MINUS SIGN}") if text[1:] == "0.00" else text


def interval(low: float, high: float, unit: Unit) -> str:
    """`[low, high]`; a dash if it is not known."""
    if math.isnan(low) or math.isnan(high):
        return BLANK
    return f"[{number(low, unit)}, {number(high, unit)}]"


def with_spread(value: float, sd: float, unit: Unit) -> str:
    """`mean ± standard deviation`; a dash for a spread that is not known."""
    return f"{number(value, unit)} ± {number(sd, unit)}"


def plural(count: int, noun: str) -> str:
    """`1 trial`, `2 trials`, `1,200 trials`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataWords:
    """How the data are named.

    Attributes:
        mark: `RENDERED` if they must not pass for photographs; empty otherwise.
        short: for captions and the corners of figures.
        full: once in every output, with the whole hash.
    """

    mark: str
    short: str
    full: str


def data_words(data: DataRecord) -> DataWords:
    """Name the data: official, or by file and SHA-256, or rendered."""
    if data.kind == "rendered":
        words = "RENDERED: drawn stand-in cells, not photographs"
        return DataWords(mark="RENDERED", short=words, full=f"{words} (SHA-256 {data.sha256})")
    if data.kind == "official":
        full = f"official BloodMNIST ({data.name}, MD5 {data.md5})"
        return DataWords(mark="", short="official BloodMNIST", full=full)
    short = f"{data.name}, SHA-256 {data.sha256[:12]}…"
    return DataWords(mark="", short=short, full=f"{data.name}, SHA-256 {data.sha256}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a printed table.

    Attributes:
        key: of the frame's column; its spread, if the frame has one, is in `key` + `_sd`. The
            ends of an interval are in `key` + `_low` and `_high`.
        head: lines of the heading, unit included.
        unit: decides the decimals and the alignment; a `word` is a setting's value.
        spread: whether to show it; a wide table has no room for every one.
    """

    key: str
    head: tuple[str, ...]
    unit: Unit = "text"
    spread: bool = True

    @property
    def right(self) -> bool:
        """Whether it is aligned right; settings differ in their decimals, so they are not."""
        return self.unit not in _TEXT | {"setting", "rate"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table ready to be printed in any format.

    Attributes:
        name: of its files.
        caption: names the data.
        columns: shown, in order.
        rows: one text a column.
        rules: rows above which a thin rule separates groups, from 1.
        values: unrounded, for CSV.
        folded: shown on request only; a figure above says the same.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    rules: frozenset[int]
    values: pd.DataFrame
    folded: bool = False


def table(
    name: str,
    caption: str,
    columns: Sequence[Column],
    frame: pd.DataFrame,
    *,
    group: str | None = None,
    values: pd.DataFrame | None = None,
    folded: bool = False,
) -> Table:
    """Typeset a frame.

    Args:
        name: of the table's files.
        caption: names the data.
        columns: to show; those that the frame lacks are left out.
        frame: one row a line.
        group: a rule separates rows that differ in this column; it is printed once a group.
        values: what the CSV holds, if not `frame`.
        folded: see `Table`.
    """
    shown = tuple(column for column in columns if {column.key, f"{column.key}_low"} & {*frame})
    # A column without any spread, as of one seed, is printed without; see `with_spread`.
    spreads = {c.key for c in shown if c.spread and f"{c.key}_sd" in frame}
    spread = {key for key in spreads if frame[f"{key}_sd"].notna().any()}
    records: list[dict[Hashable, Any]] = frame.to_dict("records")
    rules = {
        i for i in range(1, len(records)) if group and records[i][group] != records[i - 1][group]
    }
    rows = []
    for i, record in enumerate(records):
        repeated = group if group and i and i not in rules else None
        texts = (
            "" if column.key == repeated else _cell(record, column, spread=column.key in spread)
            for column in shown
        )
        rows.append(tuple(texts))
    return Table(
        name=name,
        caption=caption,
        columns=shown,
        rows=tuple(rows),
        rules=frozenset(rules),
        values=frame if values is None else values,
        folded=folded,
    )


def _cell(record: dict[Hashable, Any], column: Column, *, spread: bool) -> str:
    if column.unit in {"interval", "points_interval"}:
        low, high = record[f"{column.key}_low"], record[f"{column.key}_high"]
        return interval(low, high, "percent" if column.unit == "interval" else "points")
    value = record[column.key]
    if pd.isna(value):
        return BLANK
    if column.unit in _TEXT:  # a configuration may have the name of a family, and keeps it
        return word(value) if column.unit == "word" else str(value)
    if spread:
        return with_spread(value, record[f"{column.key}_sd"], column.unit)
    # The mean of one count is a count.
    return number(value, "count" if column.unit == "mean" else column.unit)


def markdown(text: object) -> str:
    """Escape for Markdown, so that no name becomes a link, a tag or a formula."""
    entities = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
    escaped = (f"\\{c}" if c in r"\`*_[]{}|#~$!" else entities.get(c, c) for c in str(text))
    return _one_line("".join(escaped))


_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "±": r"\,$\pm$\,",
    BLANK: "--",
    "…": r"\ldots{}",
    # After a line's end these two would be read as an option of it.
    "[": "{[}",
    "*": "{*}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}


def latex(text: object) -> str:
    """Escape for LaTeX."""
    # ` ± ` loses its spaces to \, below; a heading or a name never has the sign.
    return _one_line("".join(_LATEX.get(c, c) for c in str(text).replace(" ± ", "±")))


def _one_line(text: str) -> str:
    return " ".join(text.split())
