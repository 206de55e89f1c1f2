"""The sections of the report, from the summary to what was run."""

import pandas as pd

from reports import figures, tables
from reports.columns import (
    COMPARISON,
    CONFIGURATION,
    EFFORT,
    PER_CLASS,
    PUBLISHED,
    TWINS,
    UNFINISHED,
)
from reports.ledger import Ledger
from reports.parts import Frames, Section, beside, caption, frames, picture, slug
from reports.prose import mismatches, summary
from reports.provenance import what_was_run
from reports.typeset import (
    Column,
    DataWords,
    Table,
    class_label,
    data_words,
    method,
    plural,
    table,
    word,
)


def sections(ledger: Ledger) -> list[Section]:
    """The report, from the summary to what was run; parts without content are left out."""
    got, data = frames(ledger), data_words(ledger.study.data)
    labels = [class_label(i, name) for i, name in enumerate(ledger.study.data.class_names)]
    found = [
        Section(key="summary", title="In short", words=tuple(summary(got.comparison, data))),
        _comparison(got, data, ledger.study.data.kind),
        _unfinished(got, data),
        _curves(got, data),
        _per_class(got, data, labels),
        _confusion(got, data, labels),
        _twins(got, data),
        what_was_run(ledger, got, data),
    ]
    return [section for section in found if section is not None]


def _comparison(got: Frames, data: DataWords, kind: str) -> Section:
    frame = _shown(got.comparison)
    published = [c for c in PUBLISHED if c.key in frame and frame[c.key].notna().any()]
    scored = frame[frame["seeds"] > 0]
    words = ["Scores are on test, at the epoch with the best macro F1 on val. "]
    if frame["seeds"].max() > 1:
        words[0] += "± is the standard deviation over seeds (divisor n - 1)."
    if published:
        words.append(
            "Published: the weighted F1 that the paper lists; accuracy and macro F1 are computed "
            "from its confusion matrices." + mismatches(frame)
        )
    if published and kind == "file":
        words.append(
            "These data are not the file that the paper used, so published values are a "
            "landmark: they cannot be compared sample for sample."
        )
    return Section(
        key="comparison",
        title="Comparison of the configurations",
        words=tuple(words),
        pictures=tuple(
            picture(
                f"scores-{slug(family)}",
                f"Macro precision, weighted F1 and macro F1 on test, {word(family)}"
                f"{beside(family, 'scores', data)}. The axis does not start at 0. "
                "Whiskers, where there are several seeds: standard deviation.",
                figures.scores(scored[scored["family"] == family], data=data),
                data,
            )
            for family in scored["family"].unique()
        ),
        tables=(
            table(
                "comparison",
                caption("Scores on test", data),
                (*COMPARISON, *published),
                frame,
                group=None,
                values=got.comparison,
            ),
            table(
                "training",
                caption("Training: epochs, time and size", data),
                EFFORT,
                frame,
                values=got.comparison[["configuration", "seeds", *_columns(got.comparison)]],
            ),
        ),
    )


def _columns(frame: pd.DataFrame) -> list[str]:
    return [str(c) for c in frame.columns if str(c).removesuffix("_sd") in tables.EFFORT] + [
        "parameters"
    ]


def _unfinished(got: Frames, data: DataWords) -> Section | None:
    frame = got.trials[got.trials["status"].isin(["failed", tables.MISSING])]
    if frame.empty:
        return None
    missing = "not in the ledger: not run yet, or interrupted"
    frame = frame.assign(reason=frame["error"].fillna(missing))
    shown = [str(c) for c in ("id", *(column.key for column in UNFINISHED))]
    named = caption("Trials that failed or are missing", data)
    return Section(
        key="unfinished",
        title="Trials that did not finish",
        words=("They have no scores and enter no mean.",),
        tables=(table("unfinished", named, UNFINISHED, frame, values=frame[shown]),),
    )


def _curves(got: Frames, data: DataWords) -> Section | None:
    if got.curves.empty:
        return None
    several = got.curves.groupby("configuration")["seed"].nunique().max() > 1
    lines = (
        "Thin: a seed; bold: their mean, up to the last epoch that all of them ran. "
        if several
        else ""
    ) + "Grey: the other configurations. Ring: the epoch whose weights were kept."
    pictures = []
    for value, title in (("train_loss", "Training loss"), ("val_macro_f1", "Macro F1 on val")):
        for family in got.curves["family"].unique():
            own = got.curves[got.curves["family"] == family]
            means = got.mean_curves[got.mean_curves["configuration"].isin(own["configuration"])]
            pictures.append(
                picture(
                    f"{value.replace('_', '-')}-{slug(family)}",
                    f"{title}, {word(family)}{beside(family, value, data)}. {lines}",
                    figures.curves(own, means, value=value, data=data),
                    data,
                )
            )
    words = "The training loss is the mean over an epoch, with dropout active."
    if not got.twins.empty:
        words += " Equal curves are expected where only the loss differs: it is the same function."
    return Section(key="curves", title="Learning curves", words=(words,), pictures=tuple(pictures))


def _per_class(got: Frames, data: DataWords, labels: list[str]) -> Section | None:
    if got.per_class.empty:
        return None
    frame = got.per_class.assign(label=[labels[c] for c in got.per_class["class"]])
    return Section(
        key="classes",
        title="Scores of each class",
        tables=tuple(
            table(
                f"per-class-{slug(family)}",
                caption(f"Precision, recall and F1 of each class on test, {word(family)}", data),
                PER_CLASS,
                frame[frame["family"] == family],
                group="configuration",
            )
            for family in frame["family"].unique()
        ),
    )


def _confusion(got: Frames, data: DataWords, labels: list[str]) -> Section | None:
    frame = got.confusion
    if frame.empty:
        return None
    many = frame["seeds"].max() > 1
    words = "Rows are true classes, columns predicted ones. In a cell: images, and below them the "
    words += "percentage of the row. The shade is that percentage on a square-root scale."
    words += " Counts are summed over seeds." if many else ""
    pictures, sheets = [], []
    for family in frame["family"].unique():
        own = frame[frame["family"] == family]
        what = f"Confusion on test, {word(family)}"
        pictures.append(
            picture(
                f"confusion-{slug(family)}",
                f"{what}{beside(family, 'confusion', data)}. Rows: true; columns: predicted.",
                figures.confusions(own, labels, data=data),
                data,
                wide=True,
            )
        )
        sheets.append(_counts(own, labels, f"confusion-{slug(family)}", what, data))
    return Section(
        key="confusion",
        title="Confusion matrices",
        words=(words,),
        pictures=tuple(pictures),
        tables=tuple(sheets),
    )


def _counts(frame: pd.DataFrame, labels: list[str], name: str, what: str, data: DataWords) -> Table:
    """Confusion as a table: a row for each true class, a column for each predicted one."""
    keys = ["configuration", "true"]
    wide = frame.pivot_table(index=keys, columns="predicted", values="count", sort=False)
    wide = wide.rename(columns=str).reset_index()
    wide["label"] = [labels[c] for c in wide["true"]]
    columns = [CONFIGURATION, Column(key="label", head=("True class",))]
    columns += [
        Column(key=str(i), head=("as", label), unit="count") for i, label in enumerate(labels)
    ]
    named = caption(f"{what}: images, rows true, columns predicted", data)
    return table(name, named, columns, wide, group="configuration", values=frame, folded=True)


def _twins(got: Frames, data: DataWords) -> Section | None:
    if got.twins.empty:
        return None
    total, differing = int(got.twins["predictions"].sum()), int(got.twins["differing"].sum())
    words = (
        "CrossEntropy on logits and NLLLoss on a log-softmax are the same function, computed in "
        "another place. Two configurations that differ in it alone, with the same seed, on the "
        f"same machine, should predict the same. Of {plural(total, 'prediction')} on test, "
        f"{differing:,} differ; 0 are expected."
    )
    named = caption("Predictions on test that differ between equal configurations", data)
    return Section(
        key="twins",
        title="The same function twice",
        words=(words,),
        tables=(table("twins", named, TWINS, got.twins),),
    )


def _shown(comparison: pd.DataFrame) -> pd.DataFrame:
    """With the columns that are words: the method, and the seeds as `2 of 3`."""
    seeds = [
        str(done) if done == planned else f"{done} of {planned}"
        for done, planned in zip(comparison["seeds"], comparison["seeds_planned"], strict=True)
    ]
    methods = [
        method(loss, optimizer)
        for loss, optimizer in zip(comparison["loss"], comparison["optimizer"], strict=True)
    ]
    return comparison.assign(method=methods, seeds_text=seeds)
