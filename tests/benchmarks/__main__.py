"""Run all benchmarks, each in its own process: `make bench`.

With `--record`, the figures are written to `docs/bench.json` and `docs/results/speed.md`.
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
    "commands": "Commands",
    "loop": "Training loop, one thread",
    "tried": "Not adopted",
    "slots": "Concurrent trials",
    "engine": "Ray Tune",
    "memory": "Memory and disk",
    "using": "Classification of images",
    "growth": "Growth, with trials that only report",
    "gpu": "GPU",
}
ROOT = Path(__file__).parents[2]
PAGE_PATH, RECORD_PATH = ROOT / "docs/results/speed.md", ROOT / "docs/bench.json"
BEGIN_TAG, END_TAG = "<!-- bench: begin -->\n", "<!-- bench: end -->\n"


def run_script(script: str, *, full: bool) -> list[dict[str, Any]]:
    """Run one script, which prints its figures, and return the figures."""
    with tempfile.TemporaryDirectory() as folder:
        json_path = Path(folder) / "figures.json"
        command = [sys.executable, "-m", f"tests.benchmarks.{script}", "--json", str(json_path)]
        subprocess.run([*command, *(["--full"] if full else [])], cwd=ROOT, check=False)
        if not json_path.exists():
            sys.exit(f"{script} did not finish")
        measurements: list[dict[str, Any]] = json.loads(json_path.read_text())["figures"]
        return measurements


def format_section(record: Mapping[str, Any]) -> str:
    """Return the part of `docs/results/speed.md` between the two tags."""
    parts = [f"{format_host_info(record)}."]
    for script, measurements in record["scripts"].items():
        if measurements:
            parts += [
                f"**{HEADINGS[script]}**",
                format_table([Measurement(**fields) for fields in measurements]),
            ]
    return "\n\n".join(parts) + "\n\n"


def main() -> None:
    """Run the scripts, print all figures, and exit with 1 if a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("scripts", nargs="*", default=list(HEADINGS), help=", ".join(HEADINGS))
    parser.add_argument("--full", action="store_true", help="run longer, with more variants")
    parser.add_argument(
        "--record", action="store_true", help="write docs/bench.json and docs/results/speed.md"
    )
    options = parser.parse_args()
    start_s = time.perf_counter()
    record = collect_host_info()
    record["scripts"] = {
        script: run_script(script, full=options.full) for script in options.scripts
    }
    print(f"\n{format_section(record)}")
    figures = [
        Measurement(**fields)
        for measurements in record["scripts"].values()
        for fields in measurements
    ]
    failed_names = [figure.what for figure in figures if figure.is_met is False]
    duration_s = time.perf_counter() - start_s
    print(f"{len(figures)} figures in {duration_s:.0f} s; targets missed: {failed_names or 'none'}")
    if options.record:
        RECORD_PATH.write_text(json.dumps(record, indent=1) + "\n")
        before, _, rest = PAGE_PATH.read_text().partition(BEGIN_TAG)
        after = rest.partition(END_TAG)[2]
        PAGE_PATH.write_text(f"{before}{BEGIN_TAG}\n{format_section(record)}{END_TAG}{after}")
    sys.exit(bool(failed_names))


if __name__ == "__main__":
    main()
