"""Format what `bloodstudy prepare` did: a table of the classes and lines about the files."""

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from bloodnets.constants import SPLITS
from reports.format.units import format_count
from study.console.format import make_plain_table
from study.datasets.preparation_record import (
    PreparationRecord,
    SizeRange,
    SkippedFile,
    SkipReason,
)

MAX_LISTED_FILES = 5
"""Maximum number of files that are listed per reason; the record lists all."""

_REASONS = {
    SkipReason.UNREADABLE: "it cannot be read",
    SkipReason.OTHER_FORMAT: "its format is not supported",
    SkipReason.NO_CLASS: "it is not in a class folder",
    SkipReason.CONTRADICTORY: "an image of another class has the same pixels",
}


def make_class_table(record: PreparationRecord) -> Table:
    """Return a table with the numbers of images of each class, by split."""
    table = make_plain_table()
    table.add_column("class")
    for name in (*SPLITS, "total"):
        table.add_column(name, justify="right")
    columns = [record.class_counts[split] for split in SPLITS]
    rows = [*zip(*columns, strict=True), tuple(map(sum, columns))]
    for name, counts in zip((*record.class_names, "total"), rows, strict=True):
        table.add_row(Text(name), *(f"{count:,}" for count in (*counts, sum(counts))))
    return table


def format_summary_lines(record: PreparationRecord) -> Iterator[str]:
    """Yield lines about the images in the data file."""
    colors = "gray" if record.channels == 1 else "color"
    origin = "given by folders" if record.seed is None else f"chosen with seed {record.seed}"
    yield f"Images: {record.side} x {record.side} pixels, {colors}. Splits: {origin}."
    yield f"Width of the original images: {_format_range(record.widths)}."
    yield f"Height of the original images: {_format_range(record.heights)}."
    if n_enlarged := sum(image.crop_side < record.side for image in record.images):
        yield f"Enlarged: {format_count(n_enlarged, 'image')}."
    if n_unused := sum(image.has_unused_profile for image in record.images):
        yield f"Color profile that cannot be used: {format_count(n_unused, 'image')}."
    if record.duplicates:
        yield f"Identical images of one class: {_format_groups(record.duplicates)}."


def format_warnings(record: PreparationRecord) -> Iterator[str]:
    """Yield what is wrong with the data file.

    This concerns absent classes, images without a group and harmful identical images.
    """
    for split in SPLITS:
        counts = record.class_counts[split]
        absent = [name for name, n in zip(record.class_names, counts, strict=True) if not n]
        if absent:
            yield f"{split} has no image of {', '.join(absent)}"
    if group_warning := format_group_warning(record):
        yield group_warning
    if record.seed is not None:
        return
    hint = "--drop-duplicates of grid and search removes them from train and val"
    if record.contradictory:
        yield f"identical images of several classes: {_format_groups(record.contradictory)}; {hint}"
    split_by_file = {image.file: image.split for image in record.images}
    across = [
        names for names in record.duplicates if len({split_by_file[name] for name in names}) > 1
    ]
    if across:
        yield f"identical images in several splits: {_format_groups(across)}; {hint}"


def format_group_warning(record: PreparationRecord) -> str | None:
    """Return the number of images that the file of groups lacks; None if there are none."""
    names = [image.file for image in record.images if image.group is None]
    if record.groups_file is None or not names:
        return None
    return (
        f"{record.groups_file} has no group of {format_count(len(names), 'image')}, e.g. "
        f"{names[0]}; each is a group of its own"
    )


def format_skipped_lines(record: PreparationRecord) -> Iterator[str]:
    """Yield the image files that are not in the data file; the first ones of each reason."""
    for reason in SkipReason:
        files = [file for file in record.skipped if file.reason is reason]
        yield from (_format_skipped(file) for file in files[:MAX_LISTED_FILES])
        if n_more := len(files[MAX_LISTED_FILES:]):
            yield f"{n_more:,} more: {_REASONS[reason]}"


def format_left_out(record: PreparationRecord) -> str | None:
    """Return the numbers of other files and folders; None if there are none."""
    ranked = sorted(record.left_out.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(format_count(number, kind) for kind, number in ranked) or None


def _format_skipped(file: SkippedFile) -> str:
    return f"{file.file} {file.detail}" if file.detail else f"{file.file}: {_REASONS[file.reason]}"


def _format_groups(groups: Sequence[Sequence[str]]) -> str:
    n_files = sum(map(len, groups))
    return f"{format_count(n_files, 'file')} in {format_count(len(groups), 'group')}, e.g. " + (
        " and ".join(groups[0][:2])
    )


def _format_range(lengths: SizeRange) -> str:
    if lengths.min == lengths.max:
        return f"{lengths.min:,} pixels"
    return f"{lengths.min:,} to {lengths.max:,} pixels, median {lengths.median:,.0f}"
