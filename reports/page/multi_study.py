"""One report of several studies: every configuration with its study and its data.

Studies of the same data are compared on the same test images, configuration by configuration.
Studies of different data are put side by side and not ranked: a higher score may be an easier
test split.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from bloodnets.errors import DataError
from reports.analysis import frames, pairwise
from reports.analysis.bootstrap import sample
from reports.format.columns import SEVERAL
from reports.format.table import table
from reports.format.text import DataWords, data_words
from reports.format.units import plural
from reports.ledger.ledger import Ledger
from reports.ledger.loading import Evidence, join, read
from reports.page import publish, render
from reports.sections.comparison.significant_differences import compared
from reports.sections.elements import Section, caption
from reports.sections.verdict_text import verdict


class _Compared(NamedTuple):
    """The studies of one data set.

    Attributes:
        data: how the data are named.
        scores: one row a configuration of a study, with the columns of `tables.comparison`,
            `study`, `file`, `short` (the name without the study's) and `group`.
        verdict: in a paragraph.
        pairs: a section; None if there is no pair.
    """

    data: DataWords
    scores: pd.DataFrame
    verdict: str
    pairs: Section | None


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
    publish.refuse_others(place)
    names = [ledger.name for ledger in ledgers]
    if len(set(names)) < len(names):
        raise DataError(f"two of these studies are in folders of one name: {', '.join(names)}")
    studies = {name: read(ledger) for name, ledger in zip(names, ledgers, strict=True)}
    by_data: dict[str, dict[str, Evidence]] = {}
    for name, evidence in studies.items():
        by_data.setdefault(evidence.study.data.sha256, {})[name] = evidence
    found = [_of_one_data(group, i) for i, group in enumerate(by_data.values(), start=1)]
    sections = [_summary(found, len(studies)), _scores(found)]
    sections += [each.pairs for each in found if each.pairs is not None]
    data = _together([each.data for each in found])
    banner = render.banner(list(studies.values()))
    return publish.publish(place, " and ".join(studies), data, banner, sections)


def _of_one_data(group: Mapping[str, Evidence], number: int) -> _Compared:
    """Scores of the studies of one data set, and their pairs."""
    record = next(iter(group.values())).study.data
    data = data_words(record)
    tested = join({name: evidence.tested for name, evidence in group.items()})
    sampled = sample(tested)
    rows = []
    for study, evidence in group.items():
        own = frames.comparison(evidence, None).rename(columns={"configuration": "short"})
        named = [f"{study}: {name}" for name in own["short"]]
        rows.append(own.assign(study=study, data=data.full, file=record.name, configuration=named))
    scores = pd.concat(rows, ignore_index=True)
    scores = scores.join(frames.intervals(sampled, list(scores["configuration"])))
    pairs = pairwise.pairs(tested, sampled)
    if not pairs.empty:
        leading = pairwise.leading(scores)
        marks = pairwise.letters(leading, pairwise.groups(leading, pairs))
        scores["group"] = scores["configuration"].map(marks)
    title = f"Which differences are real: {data.short}"
    return _Compared(
        data=data,
        scores=scores,
        verdict=verdict(scores, pairs, pairwise.effects(sampled)),
        pairs=compared(f"pairs-{number}", title, scores, pairs, data),
    )


def _together(several: Sequence[DataWords]) -> DataWords:
    """The data of all studies; marked if any are drawings."""
    marks = [each.mark for each in several]
    mark = "" if not any(marks) else "RENDERED" if all(marks) else "RENDERED in part"
    return DataWords(
        mark=mark,
        short="; ".join(each.short for each in several),
        full="; ".join(each.full for each in several),
    )


def _summary(found: Sequence[_Compared], studies: int) -> Section:
    words = [f"{studies} studies of {plural(len(found), 'data set')}."]
    if len(found) > 1:
        words.append(
            "Studies of different data are not ranked against each other: a higher score may be "
            "an easier test split. Group letters compare within one data set."
        )
    several = len(found) > 1
    words += [f"{each.data.short}: {each.verdict}" if several else each.verdict for each in found]
    return Section(key="summary", title="In short", words=tuple(words))


def _scores(found: Sequence[_Compared]) -> Section:
    """Every configuration of every study, a table a data set."""
    words = (
        "± is the standard deviation over seeds. An interval holds the luck of the test images "
        "and, where there are several, of the seeds."
    )
    return Section(
        key="scores",
        title="Scores of every configuration",
        words=(words,),
        tables=tuple(
            table(
                f"scores-{number}",
                caption("Scores on test", each.data),
                SEVERAL,
                each.scores.assign(seeds_text=each.scores["seeds"].astype(str)),
                group="study",
                values=each.scores.drop(columns="short"),
            )
            for number, each in enumerate(found, start=1)
        ),
    )
