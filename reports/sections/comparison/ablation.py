"""What each ingredient of a configuration brings, each taken away alone."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from reports import figures
from reports.analysis.ablations import ablations, changes
from reports.analysis.intervals import LEVEL
from reports.format.columns import ABLATION
from reports.format.table import Table, table
from reports.format.text import word
from reports.format.units import BLANK, number, plural, with_spread
from reports.ledger.records import OPTIONAL_SETTINGS
from reports.sections.elements import Picture, Section, caption, picture, slug
from reports.sections.findings import Findings

_OFF = {**OPTIONAL_SETTINGS, "dropout": 0}


def section(found: Findings) -> Section | None:
    """A figure and a table a configuration that is there with and without its ingredients."""
    frame = ablations(found.evidence.study, found.sampled)
    if frame.empty:
        return None
    shown = _shown(frame, found)
    bases = [(str(base), own) for base, own in shown.groupby("base", sort=False)]
    return Section(
        key="ablation",
        title="What each ingredient brings",
        words=(
            *(_outcome(base, own, found) for base, own in bases),
            _reach(),
            *_reservations(frame, found),
        ),
        pictures=tuple(_picture(base, own, found) for base, own in bases),
        tables=tuple(_table(base, own, frame[frame["base"] == base], found) for base, own in bases),
    )


def _outcome(base: str, own: pd.DataFrame, found: Findings) -> str:
    """How many ingredients make a difference, and how it was measured."""
    score = found.comparison.set_index("configuration").loc[base].to_dict()
    value = number(score["test_macro_f1"], "percent")
    if score["seeds"] > 1:
        value = with_spread(score["test_macro_f1"], score["test_macro_f1_sd"], "percent")
    real = own[own["p_holm"] < LEVEL]
    count = f"Of {plural(len(own), 'ingredient')}, {len(real) or 'none'} "
    count += f"make{'' if len(real) > 1 else 's'} a difference beyond chance"
    listed = "; ".join(
        f"{row['ingredient']}, {number(row['difference'], 'points')} points"
        for row in real.to_dict("records")
    )
    return (
        f"{base} has a macro F1 of {value} % on test. Each line is the same configuration without "
        "one of its ingredients, with all other settings, the seeds and the test images equal; the "
        f"difference is {base} minus that. {count}, at a level of {100 * LEVEL:g} % for all of "
        f"them together (Holm){f': {listed}' if listed else ''}."
    )


def _reach() -> str:
    return (
        "An ablation at fixed other settings shows what is lost when one ingredient is taken away "
        "and nothing else is changed; it does not show what the ingredient brings by itself, nor "
        "what would be left of the difference if the learning rate or the epochs were chosen anew "
        "without it, and as one ingredient can do the work of another, the differences do not add "
        "up."
    )


def _reservations(frame: pd.DataFrame, found: Findings) -> Iterator[str]:
    if frame["seeds"].max() == 1:
        yield (
            "With one seed the intervals hold the luck of the test images alone: a separated line "
            "is two trained models that differ, and whether the ingredient matters takes more "
            "seeds."
        )
    planned = changes(found.evidence.study)
    several = [name for (_, name), changed in planned.items() if len(changed) != 1]
    if several:
        yield f"Not shown, as more or less than one setting differs: {', '.join(several)}."


def _picture(base: str, own: pd.DataFrame, found: Findings) -> Picture:
    text = f"What each ingredient of {base} brings in macro F1 on test, with 95 % intervals."
    axis = "Macro F1 on test with it minus without it (points), 95 % interval"
    figure = figures.effects(
        own.assign(choice=own["ingredient"], where="all"), data=found.data, axis=axis
    )
    return picture(f"ablation-{slug(base)}", text, figure, found.data)


def _table(base: str, own: pd.DataFrame, values: pd.DataFrame, found: Findings) -> Table:
    named = caption(f"{base} without one of its ingredients", found.data)
    return table(f"ablation-{slug(base)}", named, ABLATION, own, values=values)


def _shown(frame: pd.DataFrame, found: Findings) -> pd.DataFrame:
    """With the columns that are words, and the score without the ingredient."""
    scores = found.comparison.set_index("configuration").loc[frame["configuration"]]
    rows = frame.to_dict("records")
    return frame.assign(
        ingredient=[_ingredient(row["setting"], row["value"], row["without"]) for row in rows],
        score=scores["test_macro_f1"].to_numpy(),
        score_sd=scores["test_macro_f1_sd"].to_numpy(),
        interval_low=frame["low"],
        interval_high=frame["high"],
        result=[_result(row["difference"], row["p_holm"]) for row in rows],
    )


def _result(difference: float, p_holm: float) -> str:
    if not p_holm < LEVEL:
        return "not separated"
    return "higher with it" if difference > 0 else "lower with it"


def _ingredient(setting: str, value: Any, without: Any) -> str:
    """What was left out, in words; of a setting that was changed, both values."""
    words = {
        "orientations": "the eight orientations",
        "shift": f"shifts by up to {value} pixels",
        "label_smoothing": f"label smoothing of {value}",
        "weight_decay": f"weight decay of {value}",
        "schedule": "the one-cycle learning rate",
        "dropout": f"dropout of {value}",
    }
    if setting in words and without == _OFF[setting]:
        return words[setting]
    own, other = (BLANK if each is None else word(each) for each in (value, without))
    return f"{setting.replace('_', ' ')} {own} (without: {other})"
