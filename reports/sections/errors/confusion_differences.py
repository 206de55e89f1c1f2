"""The cells of the confusion matrix in which two configurations differ."""

import pandas as pd

from reports import figures
from reports.analysis import confusion_differences
from reports.format.table import Column, Table, table
from reports.format.units import interval, number, plural
from reports.sections.elements import Cell, Grid, Picture, Section, caption, picture
from reports.sections.findings import Findings

_MINUS = "\N{MINUS SIGN}"
_FEW_SEEDS = 5
_COLUMNS = (
    Column(key="a", head=("A",)),
    Column(key="b", head=("B",)),
    Column(key="true_label", head=("True class",)),
    Column(key="predicted_label", head=("Predicted as",)),
    Column(key="count_a", head=("Images", "of A"), unit="mean"),
    Column(key="count_b", head=("Images", "of B"), unit="mean"),
    Column(key="difference", head=(f"A {_MINUS} B",), unit="mean"),
    Column(key="range", head=("95 %", "interval")),
    Column(key="p_holm", head=("p", "(Holm)"), unit="p"),
)


def section(found: Findings) -> Section | None:
    """A grid for each pair of configurations; a figure and a table of the first."""
    tested = found.evidence.tested
    if len(tested.names) < 2:
        return None
    every = confusion_differences.differences(tested)
    equal = confusion_differences.same(every)
    if all(equal.values()):
        return None
    pairs = {
        pair: own.assign(text=_texts(own))
        for pair, (_, own) in zip(equal, every.groupby(["a", "b"], sort=False), strict=True)
        if not equal[pair]
    }
    families = dict(zip(tested.trials["name"], tested.trials["family"], strict=True))
    first = pairs.pop(confusion_differences.first(every, families))
    return Section(
        key="differences",
        title="Where two configurations differ",
        words=(_how(), _outcome(first, found), *_left_out(found, every)),
        grids=tuple(_grid(pair, found) for pair in (first, *pairs.values())),
        pictures=(_picture(first, found),),
        tables=(_table(first, every, found),),
    )


def _how() -> str:
    return (
        "A number says how many more test images a trial of the first configuration has in the "
        "cell than a trial of the second; both saw the same images. Rows are true classes, "
        "columns predicted ones, so more is better on the diagonal and worse elsewhere. Blue is "
        "more, orange is fewer, and the shade is the size on a square-root scale. Grey numbers "
        "could be chance: p is .05 or more in a paired test that holds the luck of the images and, "
        "where there are several, of the seeds, corrected by Holm's method for the 64 cells of the "
        "pair."
    )


def _outcome(first: pd.DataFrame, found: Findings) -> str:
    """What the first pair shows: how many cells, and the largest of them."""
    sure, seeds = first[~first["chance"]], int(first["seeds"].iloc[0])
    few = ""
    if seeds == 1:
        few = " With one common seed this says nothing of the luck of the seeds."
    elif seeds <= _FEW_SEEDS:
        few = (
            f" With {seeds} seeds only differences that are large against the spread over seeds "
            "can be told from chance."
        )
    if sure.empty:
        return f"{_title(first)}: no cell differs by more than chance explains.{few}"
    most = sure.iloc[sure["difference"].abs().argmax()]
    true, predicted = (found.labels[int(most[key])] for key in ("true", "predicted"))
    what = f"{true} rightly named" if true == predicted else f"{true} taken for {predicted}"
    return (
        f"{_title(first)}: {plural(len(sure), 'cell')} of 64 differ by more than chance explains. "
        f"The largest: {what}, {most['text']} images a trial (95 % interval {_range(most)}).{few}"
    )


def _left_out(found: Findings, every: pd.DataFrame) -> list[str]:
    """What is not shown, and why."""
    names = found.evidence.tested.names
    words = []
    if len(names) > confusion_differences.AT_MOST:
        words.append(
            f"Of {len(names)} configurations the {confusion_differences.AT_MOST} with the highest "
            "macro F1 on test are compared."
        )
    equal = confusion_differences.same(every)
    if any(equal.values()):
        words.append(
            f"{sum(equal.values())} of {plural(len(equal), 'pair')} agree on every test image with "
            "every seed: they are the same function twice, and are not shown."
        )
    compared = min(len(names), confusion_differences.AT_MOST)
    if lacking := compared * (compared - 1) // 2 - len(equal):
        words.append(f"{plural(lacking, 'pair')} without a common seed cannot be compared.")
    return [" ".join(words)] if words else []


def _grid(pair: pd.DataFrame, found: Findings) -> Grid:
    shown = [
        Cell(text=row["text"], shade=0 if row["chance"] else int(row["shade"]), faint=row["chance"])
        for row in pair.sort_values(["true", "predicted"]).to_dict("records")
    ]
    seeds = plural(int(pair["seeds"].iloc[0]), "common seed")
    side = len(found.labels)
    return Grid(
        title=_title(pair),
        caption=caption(
            f"Images a trial, {seeds}. Rows: true class; columns: predicted. Grey: could be chance",
            found.data,
        ),
        rows=found.labels,
        columns=found.labels,
        cells=tuple(tuple(shown[i * side : (i + 1) * side]) for i in range(side)),
    )


def _picture(first: pd.DataFrame, found: Findings) -> Picture:
    return picture(
        "difference",
        f"Confusion on test, {_title(first)}, in images a trial. Rows: true; columns: predicted. "
        "Grey: could be chance",
        figures.difference(first, found.labels, data=found.data),
        found.data,
    )


def _table(first: pd.DataFrame, every: pd.DataFrame, found: Findings) -> Table:
    """The cells of the first pair that are no chance; in the CSV, all cells of all pairs."""
    sure = first[~first["chance"]]
    order = sure["difference"].abs().sort_values(ascending=False, kind="stable").index
    frame = sure.loc[order].assign(
        true_label=[found.labels[c] for c in sure.loc[order, "true"]],
        predicted_label=[found.labels[c] for c in sure.loc[order, "predicted"]],
        range=[_range(row) for _, row in sure.loc[order].iterrows()],
    )
    return table(
        "differences",
        caption(f"Cells that differ by more than chance explains, {_title(first)}", found.data),
        _COLUMNS,
        frame,
        values=every.drop(columns="shade"),
        folded=True,
    )


def _title(pair: pd.DataFrame) -> str:
    return f"{pair['a'].iloc[0]} {_MINUS} {pair['b'].iloc[0]}"


def _range(row: pd.Series) -> str:
    return interval(row["difference_low"], row["difference_high"], "mean")


def _texts(pair: pd.DataFrame) -> list[str]:
    """Signed, with a decimal where they are means of several seeds."""
    several = pair["seeds"].iloc[0] > 1
    texts = [number(value, "mean" if several else "count") for value in pair["difference"]]
    return [f"+{t}" if v > 0 else t for t, v in zip(texts, pair["difference"], strict=True)]
