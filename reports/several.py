"""One report of several studies: every configuration with its study and its data.

Studies of the same data are compared on the same test images, configuration by configuration.
Studies of different data are put side by side and not ranked: a higher score may be an easier
test split.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from bloodnets.errors import DataError
from reports import comparisons, page, tables
from reports.columns import SEVERAL
from reports.evidence import Evidence, join, read
from reports.ledger import Ledger
from reports.parts import Section
from reports.prose import verdict
from reports.resampling import sample
from reports.sections import pairs
from reports.typeset import Column, DataWords, data_words, plural, table


def compare(ledgers: Sequence[Ledger], *, place: Path) -> Path:
    """Write one report of several studies.

    Args:
        ledgers: two studies or more, in folders of different names, which name them here.
        place: folder of the report.

    Returns:
        Path of `index.html`.

    Raises:
        DataError: two folders have one name.
        ConflictError: something else than a report is at its place.
        MachineError: the report cannot be written.
    """
    names = [ledger.folder.resolve().name for ledger in ledgers]
    if len(set(names)) < len(names):
        raise DataError(f"two of these studies are in folders of one name: {', '.join(names)}")
    studies = {name: read(ledger) for name, ledger in zip(names, ledgers, strict=True)}
    by_data: dict[str, dict[str, Evidence]] = {}
    for name, evidence in studies.items():
        by_data.setdefault(evidence.study.data.sha256, {})[name] = evidence
    data = _all_data([next(iter(group.values())) for group in by_data.values()])
    frames, parts = [], []
    for number, group in enumerate(by_data.values(), start=1):
        frame, section = _of_one_data(group, number)
        frames.append(frame)
        parts.append(section)
    everything = [_summary(frames, len(studies)), _scores(frames, data), *filter(None, parts)]
    title = " and ".join(studies)
    return page.publish(place, title, data, page.banner(list(studies.values())), everything)


def _of_one_data(group: Mapping[str, Evidence], number: int) -> tuple[pd.DataFrame, Section | None]:
    """Scores of the studies of one data set, and their pairs."""
    words = data_words(next(iter(group.values())).study.data)
    tested = join({name: evidence.tested for name, evidence in group.items()})
    sampled = sample(tested)
    rows = []
    for name, evidence in group.items():
        own = tables.comparison(evidence, None)
        named = [f"{name}: {configuration}" for configuration in own["configuration"]]
        rows.append(own.assign(study=name, data=words.full, short=own["configuration"]))
        rows[-1]["configuration"] = named
    frame = pd.concat(rows, ignore_index=True)
    frame = frame.join(tables.intervals(sampled, list(frame["configuration"])))
    found = comparisons.pairs(tested, sampled)
    if not found.empty:
        leading = comparisons.leading(frame)
        marks = comparisons.letters(leading, comparisons.groups(leading, found))
        frame["group"] = frame["configuration"].map(marks)
    frame.attrs["verdict"] = verdict(frame, found, comparisons.effects(sampled))
    frame.attrs["data"] = words
    title = f"Which differences are real: {words.short}"
    return frame, pairs.compared(f"pairs-{number}", title, frame, found, words)


def _all_data(firsts: Sequence[Evidence]) -> DataWords:
    """The data of all studies; marked if any are drawings."""
    words = [data_words(evidence.study.data) for evidence in firsts]
    marks = [each.mark for each in words]
    mark = "" if not any(marks) else "RENDERED" if all(marks) else "RENDERED in part"
    return DataWords(
        mark=mark,
        short="; ".join(each.short for each in words),
        full="; ".join(each.full for each in words),
    )


def _summary(frames: Sequence[pd.DataFrame], studies: int) -> Section:
    words = [f"{studies} studies of {plural(len(frames), 'data set')}."]
    if len(frames) > 1:
        words.append(
            "Studies of different data are not ranked against each other: a higher score may be "
            "an easier test split. Group letters compare within one data set."
        )
    for frame in frames:
        named = f"{frame.attrs['data'].short}: " if len(frames) > 1 else ""
        words.append(named + frame.attrs["verdict"])
    return Section(key="summary", title="In short", words=tuple(words))


def _scores(frames: Sequence[pd.DataFrame], data: DataWords) -> Section:
    """Every configuration of every study."""
    tables_ = []
    for number, frame in enumerate(frames, start=1):
        own: DataWords = frame.attrs["data"]
        columns = (Column(key="study", head=("Study",)), *SEVERAL)
        shown = frame.assign(configuration=frame["short"])
        shown["seeds_text"] = shown["seeds"].astype(str)
        tables_.append(
            table(
                f"scores-{number}",
                f"Scores on test. {own.short if own.mark else f'Data: {own.short}'}",
                columns,
                shown,
                group="study",
                values=frame.drop(columns="short"),
            )
        )
    return Section(
        key="scores",
        title="Scores of every configuration",
        words=(
            "± is the standard deviation over seeds. An interval holds the luck of the test "
            "images and, where there are several, of the seeds.",
        ),
        tables=tuple(tables_),
    )
