"""Test files with random damage: each is read or refused, without a hang and within 1 GiB."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bloodnets.config import TrialConfig
from bloodnets.data.medmnist import Split, load_file
from bloodnets.data.synthetic import generate_synthetic_arrays
from bloodnets.data_shape import BLOODMNIST_SHAPE
from bloodnets.errors import StudyError
from bloodnets.storage.checkpoint_header import get_checkpoint_name
from bloodnets.training.checkpoint import load_checkpoint, serialize_checkpoint
from bloodnets.training.loop import train
from bloodnets.training.training_state import DeviceSplit, TrainingState
from reports.ledger.ledger import Ledger
from reports.ledger.loading import read_study_files
from study.configs.presets import PUBLISHED
from study.lifecycle.file_check import check_study_files
from study.lifecycle.status import format_status_lines
from tests.faults.conftest import FaultRow
from tests.faults.studies import choose_repeats
from tests.helpers.grid_builder import build_grid, make_published_matrices
from tests.helpers.search_builder import build_search

EXAMPLES = choose_repeats(10_000, 250)
FUZZ = settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
BYTES = st.one_of(
    st.binary(max_size=12),
    st.sampled_from(
        [b"\xff" * 8, bytes(8), b"\0", b"\n", b"NaN", b"-1", b"1e999", b'"', b"{}", b"[["]
    ),
    st.integers(0, 2**64 - 1).map(lambda number: number.to_bytes(8, "little")),
)
EDIT = st.tuples(
    st.sampled_from(["set", "insert", "delete", "repeat", "cut"]),
    st.one_of(st.floats(0, 1), st.floats(0, 0.02), st.floats(0.98, 1)),  # headers are at the ends
    st.integers(1, 64),
    BYTES,
)
EDITS = st.lists(EDIT, min_size=1, max_size=4)


def edited(content: bytes, edits: list[tuple[str, float, int, bytes]]) -> bytes:
    for kind, where, count, new in edits:
        at = int(where * len(content))
        head, part, tail = content[:at], content[at : at + count], content[at + count :]
        content = {
            "set": head + new + content[at + len(new) :],
            "insert": head + new + part + tail,
            "delete": head + tail,
            "repeat": head + part * 3 + tail,
            "cut": head,
        }[kind]
    return content


@contextmanager
def bounded_memory(most: int = 2**30) -> Iterator[None]:
    """Assert that the peak memory of this process grows by less than `most` bytes."""
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak to the current value
    before = highest()
    yield
    assert highest() - before < most


def highest() -> int:
    (line,) = [s for s in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in s]
    return int(line.split()[1]) * 1024


def opened(folder: Path, reader: Callable[[Ledger], object]) -> object:
    return reader(Ledger(folder))


def is_read_or_refused(reader: Callable[[], object]) -> bool:
    """Return whether a file is refused, after checking exit code and length of the message."""
    try:
        reader()
    except StudyError as error:
        refusal = error
    else:
        return False
    assert refusal.exit_code in (2, 4)
    assert 0 < len(" ".join(str(refusal).split())) < 1500
    return True


@pytest.mark.parametrize("compressed", [False, True])
def test_data_file_with_random_damage_is_refused_or_read_whole(
    compressed: bool, tmp_path: Path, row: FaultRow
) -> None:
    whole, path = tmp_path / "whole.npz", tmp_path / "cells.npz"
    (np.savez_compressed if compressed else np.savez)(
        whole,
        **generate_synthetic_arrays(scale=0.005),  # type: ignore[arg-type]
    )
    content, refused = whole.read_bytes(), []

    @FUZZ
    @given(EDITS)
    def every(edits: list[tuple[str, float, int, bytes]]) -> None:
        path.write_bytes(edited(content, edits))
        refused.append(is_read_or_refused(lambda: load_file(path)))

    with bounded_memory():
        every()
    assert 0 < sum(refused) <= len(refused)
    kind = "compressed" if compressed else "plain"
    row(
        f"a {kind} data file, mutated",
        "read or refused in one line",
        f"{len(refused)} files, {sum(refused)} refused, 0 tracebacks",
    )


@pytest.mark.parametrize("kind", ["grid", "search"])
def test_study_file_with_random_damage_is_named_or_harmless(
    kind: str, tmp_path: Path, row: FaultRow
) -> None:
    if kind == "grid":
        ledger = build_grid(
            tmp_path / "s",
            dict(list(make_published_matrices().items())[:2]),
            missing_trials={("mlnn-config-2", 0)},
        )
        (waiting,) = [t for t in ledger.list_planned_trials() if ledger.read_trial(t) is None]
        config = TrialConfig.from_dict(waiting.config)
        state = TrainingState.create(config, BLOODMNIST_SHAPE, torch.device("cpu"))
        content = serialize_checkpoint(
            state, config, study_fingerprint=ledger.study.fingerprint, epochs=[], duration_s=0
        )
        ledger.files.write(get_checkpoint_name(waiting.id), content)
    else:
        ledger = build_search(tmp_path / "s")
    small = [
        p for p in sorted(ledger.folder.rglob("*")) if p.is_file() and p.stat().st_size < 2**20
    ]
    contents = {path: path.read_bytes() for path in small}
    refused = []

    @FUZZ
    @given(st.sampled_from(small), EDITS)
    def every(path: Path, edits: list[tuple[str, float, int, bytes]]) -> None:
        path.write_bytes(edited(contents[path], edits))
        try:
            for reader in (
                check_study_files,
                lambda ledger: list(format_status_lines(ledger)),
                read_study_files,
            ):
                said = is_read_or_refused(partial(opened, ledger.folder, reader))
                refused.append(said)
        finally:
            path.write_bytes(contents[path])

    with bounded_memory():
        every()
    assert 0 < sum(refused) < len(refused)
    row(
        f"a file of a {kind}'s folder, mutated",
        "read or refused in one line",
        f"{len(refused) // 3} files, 0 tracebacks",
    )


def test_checkpoint_with_random_damage_is_refused_or_read_whole(row: FaultRow) -> None:
    config, cpu = PUBLISHED["cnn-config-2"], torch.device("cpu")
    arrays = generate_synthetic_arrays(scale=0.005)
    few = Split(arrays["val_images"], arrays["val_labels"][:, 0])
    state = TrainingState.create(config, BLOODMNIST_SHAPE, cpu)
    epochs = [
        next(
            train(
                state,
                config,
                train_split=DeviceSplit.from_numpy(few, cpu),
                val_split=DeviceSplit.from_numpy(few, cpu),
            )
        )
    ]
    content = serialize_checkpoint(
        state, config, study_fingerprint="s", epochs=epochs, duration_s=0
    )
    refused = []

    @FUZZ
    @given(EDITS)
    def every(edits: list[tuple[str, float, int, bytes]]) -> None:
        mutated = edited(content, edits)
        refused.append(
            is_read_or_refused(
                lambda: load_checkpoint(
                    mutated, "s", config, BLOODMNIST_SHAPE, study_fingerprint="s", device=cpu
                )
            )
        )

    with bounded_memory():
        every()
    assert 0 < sum(refused) < len(refused)
    row(
        "the state of a trial, mutated",
        "read or refused in one line",
        f"{len(refused)} files, {sum(refused)} refused, 0 tracebacks",
    )
