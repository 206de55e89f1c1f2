"""Records of data files, as `bloodstudy prepare` would write them."""

from typing import Any

from study.datasets.preparation_record import (
    PreparationRecord,
    PreparedImage,
    SizeRange,
    SkippedFile,
    SkipReason,
)


def make_image(file: str, split: str, label: int = 0, crop_side: int = 28) -> PreparedImage:
    return PreparedImage(
        file=file,
        split=split,
        index=0,
        label=label,
        group=None,
        crop_side=crop_side,
        has_unused_profile=False,
    )


def make_skipped(file: str, reason: SkipReason) -> SkippedFile:
    detail = "is damaged" if reason is SkipReason.UNREADABLE else None
    return SkippedFile(file=file, reason=reason, detail=detail)


def make_record(**changes: Any) -> PreparationRecord:
    """Return the record of two classes, `a` and `[b]`, with changes."""
    values: dict[str, Any] = {
        "version": "1",
        "data_file": "cells.npz",
        "sha256": "0" * 64,
        "source_sha256": "1" * 64,
        "side": 28,
        "channels": 3,
        "crop": None,
        "seed": 0,
        "groups_file": None,
        "class_names": ("a", "[b]"),
        "class_counts": {"train": (700, 70), "val": (100, 10), "test": (200, 20)},
        "images": (make_image("a/1.png", "train"), make_image("a/2.png", "test", crop_side=20)),
        "skipped": (),
        "left_out": {},
        "duplicates": (),
        "contradictory": (),
        "widths": SizeRange(min=20, median=28.0, max=360),
        "heights": SizeRange(min=28, median=28.0, max=28),
    }
    return PreparationRecord(**values | changes)
