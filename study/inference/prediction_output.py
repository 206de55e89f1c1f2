"""What a model said of images, for people (a table and lines) and for programs (JSON, CSV)."""

import csv
import io
import json
from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from reports.format.text import class_label, data_words
from reports.format.units import plural
from reports.ledger.records import StudyRecord
from study.console.format import plain_table
from study.inference.model_selection import Chosen
from study.inference.predict import Prediction

NO_DIAGNOSIS = "A research tool: what it says is no diagnosis, and nothing to base one on."

SHOWN = 20
"""Images whose colours are described below the table."""

_MARK = "!"


def head(study: StudyRecord, chosen: Chosen) -> Iterator[str]:
    """Which model it was, and what it learnt from."""
    yield f"{chosen.name} of {study.name}: {chosen.reason}."
    yield f"Trained on: {data_words(study.data).short}"


def table(found: Sequence[Prediction], study: StudyRecord, *, width: int) -> Table:
    """One row an image, the two most probable classes with their probabilities in %.

    Args:
        found: at least one.
        study: whose classes they are.
        width: of the terminal; of a file's name that does not fit, the end is shown.
    """
    labels = [class_label(i, name) for i, name in enumerate(study.data.class_names)]
    rows = [
        [text for place in each.ranked[:2] for text in (labels[place], _percent(each, place))]
        for each in found
    ]
    marked = any(each.colours or each.note for each in found)
    headings = ("class", "%", "runner-up", "%")
    taken = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    room = max(12, width - sum(taken) - 2 * len(taken) - (3 if marked else 0))
    shown = plain_table("")
    shown.title = None
    shown.add_column("file", no_wrap=True)
    for heading in headings:
        shown.add_column(heading, no_wrap=True, justify="right" if heading == "%" else "left")
    for each, row in zip(found, rows, strict=True):
        name = printable(each.name)
        short = name if len(name) <= room else f"…{name[1 - room :]}"
        mark = [_MARK if each.colours or each.note else ""] if marked else []
        shown.add_row(Text(short), *map(Text, row), *mark)
    return shown


def foot(found: Sequence[Prediction], study: StudyRecord) -> Iterator[str]:
    """What has to be known to read the table."""
    odd = [each for each in found if each.colours]
    if odd:
        yield (
            f"{_MARK} Colours unlike those of 99.9 % of the training images: the answer may "
            f"mean nothing:"
        )
        yield from _each([(each.name, each.colours) for each in odd])
    noted = [each for each in found if each.note]
    if noted:
        yield f"{_MARK} Not as the training images were made:"
        yield from _each([(each.name, each.note) for each in noted])
    if study.data.colours is None:
        yield (
            "Whether the colours are like those of the training images cannot be told: the study "
            "is from before they were kept."
        )
    yield NO_DIAGNOSIS


def as_json(found: Sequence[Prediction], study: StudyRecord, chosen: Chosen) -> str:
    """Everything, on indented lines."""
    names = study.data.class_names
    images = [
        {
            "file": each.name,
            "class": each.ranked[0],
            "class_name": names[each.ranked[0]],
            "probability": float(each.probabilities[each.ranked[0]]),
            "probabilities": each.probabilities.tolist(),
            "unlike": each.colours,
            "note": each.note,
        }
        for each in found
    ]
    whole = {
        "study": study.name,
        "fingerprint": study.fingerprint,
        "trial": chosen.record.id,
        "data": data_words(study.data).full,
        "class_names": list(names),
        "colours_known": study.data.colours is not None,
        "notice": NO_DIAGNOSIS,
        "images": images,
    }
    return json.dumps(whole, indent=2)


def as_csv(found: Sequence[Prediction], study: StudyRecord, chosen: Chosen) -> str:
    """One row an image; `unlike` is empty where nothing is unlike, or where it cannot be told."""
    names, file = study.data.class_names, io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    each_class = [f"probability_{place}" for place in range(len(names))]
    first = ["study", "trial", "file", "class", "class_name", "probability"]
    writer.writerow([*first, *each_class, "unlike", "note"])
    for each in found:
        best = each.ranked[0]
        values = [f"{value:.9g}" for value in each.probabilities]
        start = [study.name, chosen.record.id, printable(each.name), best, names[best]]
        writer.writerow([*start, values[best], *values, each.colours, each.note])
    return file.getvalue().rstrip("\n")


def printable(name: str) -> str:
    """A file's name without what would move the cursor, or is no text at all."""
    return "".join(character if character.isprintable() else "?" for character in name)


def _percent(each: Prediction, place: int) -> str:
    return f"{100 * each.probabilities[place]:.1f}"


def _each(lines: Sequence[tuple[str, str | None]]) -> Iterator[str]:
    for name, words in lines[:SHOWN]:
        yield f"  {printable(name)}: {words}"
    if len(lines) > SHOWN:
        yield f"  and {plural(len(lines) - SHOWN, 'other')} (--json and --csv name all)"
