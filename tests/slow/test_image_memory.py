"""Peak memory of reading the largest accepted image, as `docs/how-to/classify-images.md` says."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

# The peak of `resource.getrusage` would include that of the process that starts this one.
_MEASURE_MEMORY = """
import re, sys
from pathlib import Path
from bloodnets.data.image_files import read_image_file
from bloodnets.data_shape import BLOODMNIST_SHAPE
read_image_file(Path(sys.argv[1]), None, BLOODMNIST_SHAPE)
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("name", "max_gib"), [("a.png", 0.75), ("a.webp", 2.4)])
def test_read_image_file_largest_image_takes_the_documented_memory(
    tmp_path: Path, name: str, max_gib: float
) -> None:
    """`predict` itself takes 0.3 GiB more."""
    image = Image.linear_gradient("L").resize((12_000, 12_000)).convert("RGBA")
    # Each format ignores the options of the other; these are fast.
    image.save(tmp_path / name, compress_level=1, lossless=True, quality=0, method=0)
    del image
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE_MEMORY, str(tmp_path / name)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) / 2**20 < max_gib
