"""What is loaded is what was saved; all else is refused in one line that says why."""

import errno
import hashlib
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bloodnets.constants import CLASS_NAMES
from bloodnets.data import medmnist
from bloodnets.data.medmnist import BloodCells, load_file, load_images
from bloodnets.data.synthetic import generate_synthetic_arrays
from bloodnets.data_shape import DataShape
from bloodnets.errors import DataError
from tests.helpers.bad_npz_files import BAD
from tests.helpers.medmnist_files import patch_md5
from tests.helpers.npz_files import SIZES, Arrays, header, member, npy, saved, sound


def refuse(path: Path) -> DataError:
    """Return the error with which the file is refused, which is complete and fits a line."""
    with pytest.raises(DataError) as caught:
        load_file(path)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < len(str(path)) + 240
    assert caught.value.path == str(path)
    assert caught.value.expected is not None
    return caught.value


@pytest.mark.timeout(30)  # a pipe or a device could be waited for without end
@pytest.mark.parametrize("kind", BAD)
def test_load_file_bad_file_raises_and_leaves_it_unchanged(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "cells.npz"
    spoil, refusal = BAD[kind]
    spoil(path)
    before = path.read_bytes() if is_small_file(path) else None
    error = refuse(path)
    assert refusal.key in error.problem.removeprefix(str(path))
    assert refusal.value is None or error.value == refusal.value
    assert str(error.expected).startswith(refusal.expected)
    assert refusal.cause is None or isinstance(error.__cause__, refusal.cause)
    if before is not None:
        assert path.read_bytes() == before


@pytest.mark.parametrize("dtype", ["<i8", ">i4", "u1"])
def test_load_file_groups_are_those_of_each_split(tmp_path: Path, dtype: str) -> None:
    groups = {f"{name}_groups": np.arange(n).astype(dtype) // 2 for name, n in SIZES.items()}
    cells = load_file(saved(tmp_path / "cells.npz", sound() | groups))
    for name, n in SIZES.items():
        split = getattr(cells, name)
        assert split.groups.dtype == np.int64
        assert split.groups.tolist() == [index // 2 for index in range(n)]


def test_load_file_without_groups_has_none(tmp_path: Path) -> None:
    cells = load_file(saved(tmp_path / "cells.npz"))
    assert (cells.train.groups, cells.val.groups, cells.test.groups) == (None, None, None)


def is_small_file(path: Path) -> bool:
    return path.is_file() and path.stat().st_size < 10**7


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(errno.EACCES, "Permission denied"),
        OSError(errno.EIO, "Input/output error"),
    ],
)
@pytest.mark.parametrize("step", ["stat", "read_bytes"])
def test_load_file_without_permission_raises(
    error: OSError, step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The errors are planted: the superuser, as whom tests may run, may read everything."""

    def fail(*_: object, **__: object) -> None:
        raise error

    path = saved(tmp_path / "cells.npz")
    with monkeypatch.context() as patch:
        patch.setattr(Path, step, fail)
        refused = refuse(path)
    assert refused.__cause__ is error
    assert str(error.strerror) in refused.problem


def test_load_file_name_too_long_raises(tmp_path: Path) -> None:
    error = refuse(tmp_path / ("x" * 300))
    assert isinstance(error.__cause__, OSError)
    assert error.__cause__.errno == errno.ENAMETOOLONG


@pytest.mark.parametrize("kind", ["a huge array", "more than the header says"])
def test_load_file_decompression_bomb_is_not_unpacked(kind: str, tmp_path: Path) -> None:
    """282 MB of zeros in a file of 1.3 MB."""
    path = tmp_path / "cells.npz"
    BAD[kind][0](path)
    assert path.stat().st_size < 2_000_000
    tracemalloc.start()
    try:
        refuse(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000


class Trap:
    """Creates a file when it is unpickled."""

    def __init__(self, sprung: Path) -> None:
        self.sprung = sprung

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.sprung,)


@pytest.mark.parametrize("key", ["train_images", "train_labels"])
def test_load_file_pickled_objects_are_not_unpickled(key: str, tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    trap = np.empty(sound()[key].shape, object)
    trap[:] = Trap(sprung)
    path = saved(tmp_path / "cells.npz", sound() | {key: trap})
    error = refuse(path)
    assert key in error.problem.removeprefix(str(path))
    assert error.value == np.dtype(object)
    assert not sprung.exists()
    with np.load(path, allow_pickle=True) as trusting:  # so it would have been
        _ = trusting[key]
    assert sprung.exists()


def assert_same(cells: BloodCells, arrays: Arrays) -> None:
    for name in SIZES:
        split = getattr(cells, name)
        assert split.images.dtype == split.labels.dtype == np.uint8
        images = arrays[f"{name}_images"]
        stored = split.images[..., 0] if images.ndim == 3 else split.images
        np.testing.assert_array_equal(stored, images, strict=True)
        np.testing.assert_array_equal(split.labels, arrays[f"{name}_labels"][:, 0])


@pytest.mark.parametrize("compressed", [False, True])
def test_load_file_valid_file_returns_what_was_saved(compressed: bool, tmp_path: Path) -> None:
    path = saved(tmp_path / "my cells.npz", compressed=compressed)
    content = path.read_bytes()
    cells = load_file(path)
    assert_same(cells, sound())
    assert path.read_bytes() == content
    assert (cells.kind, cells.name) == ("file", "my cells.npz")
    assert cells.md5 == hashlib.md5(content, usedforsecurity=False).hexdigest()
    assert cells.sha256 == hashlib.sha256(content).hexdigest()
    assert len(set(cells.class_names)) == 8
    assert cells.class_names[0] == "basophil"
    assert cells.class_names[7] == "platelet"


@pytest.mark.parametrize("side", [8, 28, 64, 256])
@pytest.mark.parametrize("channels", [1, 3])
def test_load_file_any_side_and_channels_are_loaded(
    side: int, channels: int, tmp_path: Path
) -> None:
    shape = DataShape(n_classes=5, channels=channels, side=side)
    rng = np.random.default_rng(0)
    arrays = {
        key: array % 5
        if "labels" in key
        else rng.integers(0, 256, (len(array), *shape.image_shape), np.uint8)
        for key, array in sound().items()
    }
    path = saved(tmp_path / "cells.npz", arrays)
    cells = load_file(path)
    assert_same(cells, arrays)
    assert cells.shape == shape
    assert cells.train.images.shape == (SIZES["train"], side, side, channels)
    assert cells.class_names == ("class 0", "class 1", "class 2", "class 3", "class 4")
    np.testing.assert_array_equal(load_images(path, "val", shape), cells.val.images)
    for other in (replace(shape, side=32), replace(shape, channels=4 - channels)):
        with pytest.raises(DataError):
            load_images(path, "val", other)


def test_load_file_optional_axes_of_one_are_accepted(tmp_path: Path) -> None:
    gray = {k: v[..., :1] if "images" in k else v[:, 0] for k, v in sound().items()}
    cells = load_file(saved(tmp_path / "cells.npz", gray))
    np.testing.assert_array_equal(cells.train.images, gray["train_images"])
    np.testing.assert_array_equal(cells.train.labels, gray["train_labels"])


def test_load_file_class_names_are_those_of_the_file(tmp_path: Path) -> None:
    names = [f"Zelle {i} \N{LATIN SMALL LETTER U WITH DIAERESIS}" for i in range(9)]
    arrays = sound() | {"class_names": np.array(names)}
    cells = load_file(saved(tmp_path / "cells.npz", arrays))
    assert cells.class_names == tuple(names)
    assert cells.shape.n_classes == 9  # the last one has no image


def test_load_file_eight_gray_classes_are_not_those_of_bloodmnist(tmp_path: Path) -> None:
    arrays = {k: v[..., 0] if "images" in k else v for k, v in sound().items()}
    assert load_file(saved(tmp_path / "cells.npz", arrays)).class_names[0] == "class 0"


def test_load_file_further_keys_are_ignored(tmp_path: Path) -> None:
    further = {"train_masks": np.zeros((3, 3)), "notes": np.array({"by": "me"}, object)}
    assert_same(load_file(saved(tmp_path / "cells.npz", sound() | further)), sound())


@pytest.mark.parametrize("dtype", ["u1", "i1", "<u2", "<i4", "<i8", "<u8", ">i4", ">i8"])
def test_load_file_labels_of_any_integer_type_are_loaded(dtype: str, tmp_path: Path) -> None:
    arrays = {k: v.astype(dtype) if "labels" in k else v for k, v in sound().items()}
    assert_same(load_file(saved(tmp_path / "cells.npz", arrays)), sound())


def test_load_file_python_2_header_is_loaded(tmp_path: Path) -> None:
    """NumPy warns of it; a user is not bothered."""
    images = sound()["train_images"]
    member(npy(header("(10L, 28L, 28L, 3L)"), images.tobytes()))(path := tmp_path / "cells.npz")
    assert_same(load_file(path), sound())


def test_load_file_official_md5_is_recognized(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path / "bloodmnist.npz")
    assert load_file(path).kind == "file"  # whatever its name
    patch_md5(monkeypatch, "bloodmnist", 28, path)
    cells = load_file(path)
    assert cells.kind == "official"


def test_load_synthetic_twice_gives_the_same_sha256(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        medmnist, "generate_synthetic_arrays", partial(generate_synthetic_arrays, scale=0.01)
    )
    cells, again = medmnist.load_synthetic(), medmnist.load_synthetic()
    assert_same(cells, generate_synthetic_arrays(scale=0.01))
    assert cells.sha256 == again.sha256
    assert (cells.kind, cells.name, cells.md5) == ("synthetic", "synthetic", None)
    assert cells.class_names == CLASS_NAMES

    for key, array in (arrays := generate_synthetic_arrays(scale=0.01)).items():  # each counts
        other = array.copy()
        other.flat[0] ^= 1
        monkeypatch.setattr(
            medmnist, "generate_synthetic_arrays", lambda other=arrays | {key: other}: other
        )
        assert medmnist.load_synthetic().sha256 != cells.sha256


TINY: Arrays = {
    key: array[:2] if "images" not in key else array[:2] // 32 for key, array in sound().items()
}


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Some bytes replaced, removed or inserted, most of them where the structure is."""
    positions = st.integers(0, len(content) - 1)
    near = [i for signature in (b"PK", b"\x93NUMPY") for i in range(len(content) - 130)
            if content.startswith(signature, i)]  # fmt: skip
    heads = st.builds(lambda start, step: start + step, st.sampled_from(near), st.integers(0, 127))
    mutated = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        position = draw(heads | positions)
        match draw(st.sampled_from(["flip", "flip", "replace", "remove", "insert"])):
            case "flip":
                mutated[position % len(mutated)] ^= 1 << draw(st.integers(0, 7))
            case "replace":
                new = draw(st.binary(min_size=1, max_size=8))
                mutated[position : position + len(new)] = new
            case "remove":
                del mutated[position : position + draw(st.integers(1, 200))]
            case _:
                mutated[position:position] = draw(st.binary(min_size=1, max_size=64))
    return bytes(mutated)


@pytest.mark.parametrize("compressed", [False, True])
def test_load_file_damaged_bytes_raise_or_change_nothing(
    compressed: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever happens to the bytes: the arrays that were saved, or `DataError`, nothing else."""
    path = saved(tmp_path_factory.mktemp("fuzz") / "cells.npz", TINY, compressed=compressed)
    outcomes = set()

    @settings(max_examples=150, derandomize=True, deadline=None, database=None)
    @given(damaged(path.read_bytes()))
    def check(content: bytes) -> None:
        path.write_bytes(content)
        try:
            cells = load_file(path)
        except DataError as error:
            outcomes.add("refused" if str(error).isprintable() else "refused in several lines")
        else:
            assert_same(cells, TINY)
            outcomes.add("loaded")

    check()
    assert outcomes == {"refused", "loaded"}
