"""All benchmarks, one after another, each in a process of its own: `make bench`.

With `--record`, the figures become those of the README, and lie in `docs/bench.json`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.benchmarks.figures import Measurement, collect_host_info, format_host_info, format_table

HEADINGS = {
    "commands": "What a user waits for",
    "loop": "The loop, on one thread",
    "tried": "Tried",
    "slots": "Slots",
    "engine": "The engine",
    "memory": "Memory and disk",
    "growth": "Growth, with trials that only report",
    "gpu": "GPU",
}
ROOT = Path(__file__).parents[2]
README_PATH, RECORD_PATH = ROOT / "README.md", ROOT / "docs" / "bench.json"
README_BEGIN_TAG, README_END_TAG = "<!-- bench: begin -->\n", "<!-- bench: end -->\n"


def run_script(script: str, *, full: bool) -> list[dict[str, Any]]:
    """One script's figures; it prints its own as they come."""
    with tempfile.TemporaryDirectory() as folder:
        json_path = Path(folder) / "figures.json"
        command = [sys.executable, "-m", f"tests.benchmarks.{script}", "--json", str(json_path)]
        subprocess.run([*command, *(["--full"] if full else [])], cwd=ROOT, check=False)
        if not json_path.exists():
            sys.exit(f"{script} did not come to its end")
        measurements: list[dict[str, Any]] = json.loads(json_path.read_text())["figures"]
        return measurements


def format_readme_section(record: Mapping[str, Any]) -> str:
    """What stands in the README between the two marks."""
    parts = [f"{format_host_info(record)}."]
    for script, measurements in record["scripts"].items():
        if measurements:
            parts += [
                f"**{HEADINGS[script]}**",
                format_table([Measurement(**fields) for fields in measurements]),
            ]
    return "\n\n".join(parts) + "\n\n"


def main() -> None:
    """Run, print, and end with 1 if a figure falls short of its bar."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("scripts", nargs="*", default=list(HEADINGS), help=", ".join(HEADINGS))
    parser.add_argument("--full", action="store_true", help="longer, and more")
    parser.add_argument("--record", action="store_true", help="in docs/bench.json and the README")
    options = parser.parse_args()
    start_s = time.perf_counter()
    record = collect_host_info()
    record["scripts"] = {
        script: run_script(script, full=options.full) for script in options.scripts
    }
    print(f"\n{format_readme_section(record)}")
    figures = [
        Measurement(**fields)
        for measurements in record["scripts"].values()
        for fields in measurements
    ]
    failed_names = [figure.what for figure in figures if figure.is_met is False]
    duration_s = time.perf_counter() - start_s
    print(
        f"{len(figures)} figures in {duration_s:.0f} s; short of what is wanted: "
        f"{failed_names or 'none'}"
    )
    if options.record:
        RECORD_PATH.write_text(json.dumps(record, indent=1) + "\n")
        before, _, rest = README_PATH.read_text().partition(README_BEGIN_TAG)
        after = rest.partition(README_END_TAG)[2]
        README_PATH.write_text(
            f"{before}{README_BEGIN_TAG}\n{format_readme_section(record)}{README_END_TAG}{after}"
        )
    sys.exit(bool(failed_names))


if __name__ == "__main__":
    main()
