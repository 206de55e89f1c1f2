"""What the user of `bloodstudy prepare` sees."""

import io

from rich.console import Console

from study.datasets.preparation_output import (
    MAX_LISTED_FILES,
    format_left_out,
    format_skipped_lines,
    format_summary_lines,
    format_warnings,
    make_class_table,
)
from study.datasets.preparation_record import SkipReason
from tests.helpers.preparations import make_image, make_record, make_skipped


def test_make_class_table_has_counts_and_totals() -> None:
    output = io.StringIO()
    Console(file=output, width=80).print(make_class_table(make_record()))
    assert [line.split() for line in output.getvalue().splitlines()] == [
        ["class", "train", "val", "test", "total"],
        ["a", "700", "100", "200", "1,000"],
        ["[b]", "70", "10", "20", "100"],
        ["total", "770", "110", "220", "1,100"],
    ]


def test_format_summary_lines_have_sizes_and_enlarged_images() -> None:
    lines = list(format_summary_lines(make_record()))
    assert [line for line in lines if "20 to 360" in line and "28" in line]
    assert [line for line in lines if "1 image" in line]
    small = list(format_summary_lines(make_record(side=16, images=())))
    assert len(small) == len(lines) - 1


def test_format_warnings_absent_class_is_named() -> None:
    counts = {"train": (7, 3), "val": (1, 0), "test": (2, 1)}
    (line,) = format_warnings(make_record(class_counts=counts))
    assert "val" in line
    assert "[b]" in line


def test_format_warnings_images_without_a_group_are_counted() -> None:
    (line,) = format_warnings(make_record(groups_file="groups.csv"))
    assert "2 images" in line
    assert "a/1.png" in line


def test_format_warnings_identical_images_of_given_splits_are_named() -> None:
    images = (make_image("1", "train"), make_image("2", "test"), make_image("3", "test"))
    record = make_record(
        seed=None, images=images, duplicates=(("1", "2"), ("2", "3")), contradictory=(("1", "3"),)
    )
    contradictory, across = format_warnings(record)
    assert "1 and 3" in contradictory
    assert "1 and 2" in across
    assert "2 files in 1 group" in across
    assert not list(format_warnings(make_record(duplicates=(("a/1.png", "a/2.png"),))))


def test_format_skipped_lines_many_files_are_counted() -> None:
    n_unreadable = MAX_LISTED_FILES + 2
    skipped = (
        *(make_skipped(f"{index}.png", SkipReason.UNREADABLE) for index in range(n_unreadable)),
        make_skipped("a.heic", SkipReason.OTHER_FORMAT),
    )
    lines = list(format_skipped_lines(make_record(skipped=skipped)))
    assert len(lines) == MAX_LISTED_FILES + 2
    assert lines[0] == "0.png is damaged"
    assert lines[MAX_LISTED_FILES].startswith("2 more")
    assert lines[-1].startswith("a.heic")


def test_format_left_out_most_frequent_kind_is_first() -> None:
    assert format_left_out(make_record()) is None
    left_out = {".csv file": 1, "linked file": 2, ".txt file": 1}
    text = format_left_out(make_record(left_out=left_out))
    assert text == "2 linked files, 1 .csv file, 1 .txt file"
