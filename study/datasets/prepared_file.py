"""Write a data file in the MedMNIST format, with its record, from images that do not fit in memory.

The arrays are not compressed, because compressed bytes depend on the version of zlib. Images of
cells hardly shrink: BloodMNIST does by 13%.
"""

import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from bloodnets.constants import SPLITS
from bloodnets.data.npy_header import MAX_IMAGES
from bloodnets.data.npz_file import MAX_FILE_BYTES
from bloodnets.errors import ConflictError, DataError
from bloodnets.storage.local import sync_folder
from study.datasets.stored_images import PixelStore

OVERHEAD_BYTES = 2**20
"""Bytes of a file besides those of each image, at most: headers and the names of 100 classes."""

_LABEL_BYTES, _GROUP_BYTES = 1, 8


def get_record_path(output: Path) -> Path:
    """Return the path of the record beside a data file."""
    return output.with_suffix(".json")


def require_new_output(output: Path) -> None:
    """Check that a data file can be written to a path.

    Raises:
        DataError: The name does not end in `.npz`, or its folder does not exist.
        ConflictError: The file or its record exists.
    """
    if output.suffix != ".npz":
        raise DataError.of_value("--output", str(output), "a name that ends in .npz")
    if not output.parent.is_dir():
        raise DataError(
            f"the folder {output.parent} does not exist",
            path=output.parent,
            remedy="create it, or choose another --output",
        )
    for path in (output, get_record_path(output)):
        _require_absent(path)


def check_file_size(n_images: int, image_shape: tuple[int, ...]) -> None:
    """Check that a study could read a file with this number of images.

    Raises:
        DataError: There are too many images, or the file would be too large.
    """
    if n_images > MAX_IMAGES:
        raise DataError(
            f"the folder has {n_images:,} images",
            value=n_images,
            expected=f"at most {MAX_IMAGES:,}",
        )
    size_bytes = n_images * (int(np.prod(image_shape)) + _LABEL_BYTES + _GROUP_BYTES)
    if size_bytes + OVERHEAD_BYTES > MAX_FILE_BYTES:
        raise DataError(
            f"{n_images:,} images of {image_shape[0]} x {image_shape[1]} pixels have "
            f"{size_bytes:,} bytes",
            value=size_bytes,
            expected=f"at most {MAX_FILE_BYTES:,}",
            remedy="choose a smaller side, or gray images",
        )


def write_npz(
    path: Path,
    store: PixelStore,
    *,
    rows_by_split: Mapping[str, Sequence[int]],
    labels: Sequence[int],
    groups: Sequence[int] | None,
    class_names: Sequence[str],
    on_image: Callable[[], object],
) -> None:
    """Write the arrays of a data file, one image at a time.

    The same images give the same bytes, at any time and on any host.

    Args:
        path: Path of the new file.
        store: Images.
        rows_by_split: Positions in `store`, `labels` and `groups` of the images of each split.
        labels: Classes of the images in `store`.
        groups: Numbers of the groups of the images in `store`; None for a file without groups.
        class_names: Names of the classes, in the order of the labels.
        on_image: Function that is called after each image.

    Raises:
        OSError: The file cannot be written.
    """
    with path.open("xb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for split in SPLITS:
                rows = rows_by_split[split]
                with _open_member(archive, f"{split}_images") as member:
                    _write_header(member, np.dtype(np.uint8), (len(rows), *store.image_shape))
                    for row in rows:
                        member.write(store.read(row))
                        on_image()
                split_labels = np.array([[labels[row]] for row in rows], dtype=np.uint8)
                _write_array(archive, f"{split}_labels", split_labels.reshape(-1, 1))
                if groups is not None:
                    split_groups = np.array([groups[row] for row in rows], dtype="<i8")
                    _write_array(archive, f"{split}_groups", split_groups)
            _write_array(archive, "class_names", np.array(class_names))
        file.flush()
        os.fsync(file.fileno())


def publish_files(temp_folder: Path, output: Path) -> None:
    """Move a complete data file and its record to their place; no existing file is replaced.

    Args:
        temp_folder: Folder with both files, on the same file system as `output`.
        output: Path of the data file.

    Raises:
        ConflictError: A file exists.
        OSError: A file cannot be moved.
    """
    paths = (get_record_path(output), output)  # a data file is never without its record
    for path in paths:
        _require_absent(path)
    for path in paths:
        (temp_folder / path.name).rename(path)
    sync_folder(output.parent)


def _require_absent(path: Path) -> None:
    if os.path.lexists(path):
        raise ConflictError(
            f"{path} already exists", path=path, remedy="choose another --output, or remove it"
        )


def _open_member(archive: zipfile.ZipFile, key: str) -> IO[bytes]:
    # The date is 1980 on every host. Like `numpy.savez`, this allows members above 2 GiB.
    return archive.open(zipfile.ZipInfo(f"{key}.npy"), "w", force_zip64=True)


def _write_header(member: IO[bytes], dtype: np.dtype[np.generic], shape: tuple[int, ...]) -> None:
    header = {"descr": npy.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    npy.write_array_header_1_0(member, header)


def _write_array(archive: zipfile.ZipFile, key: str, array: NDArray[np.generic]) -> None:
    with _open_member(archive, key) as member:
        _write_header(member, array.dtype, array.shape)
        member.write(array.tobytes())
