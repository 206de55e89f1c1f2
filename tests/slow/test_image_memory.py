"""Peak memory of reading the largest accepted image, as `docs/how-to/classify-images.md` says."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

_MEASURE_MEMORY = """
import resource, sys
from pathlib import Path
from bloodnets.data.image_files import read_image_file
read_image_file(Path(sys.argv[1]), None)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.parametrize(
    ("name", "options", "max_gib"),
    [
        ("a.png", {"compress_level": 1}, 0.75),
        ("a.webp", {"lossless": True, "quality": 0, "method": 0}, 2.3),
    ],
)
def test_read_image_file_largest_image_takes_the_documented_memory(
    tmp_path: Path, name: str, options: dict[str, int | bool], max_gib: float
) -> None:
    """`predict` itself takes 0.3 GiB more."""
    image = Image.linear_gradient("L").resize((12_000, 12_000)).convert("RGBA")
    image.save(tmp_path / name, **options)
    del image
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE_MEMORY, str(tmp_path / name)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) / 2**20 < max_gib
