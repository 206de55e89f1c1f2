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

from tests.benchmarks.figures import Figure, about, about_words, table

HEADINGS = {
    "loop": "The loop, on one thread",
    "tried": "Tried",
    "slots": "Slots",
    "engine": "The engine",
    "memory": "Memory and disk",
    "growth": "Growth, with trials that only report",
    "gpu": "GPU",
}
ROOT = Path(__file__).parents[2]
README, RECORD = ROOT / "README.md", ROOT / "docs" / "bench.json"
BEGIN, END = "<!-- bench: begin -->\n", "<!-- bench: end -->\n"


def run(script: str, *, full: bool) -> list[dict[str, Any]]:
    """One script's figures; it prints its own as they come."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figures.json"
        words = [sys.executable, "-m", f"tests.benchmarks.{script}", "--json", str(file)]
        subprocess.run([*words, *(["--full"] if full else [])], cwd=ROOT, check=False)
        if not file.exists():
            sys.exit(f"{script} did not come to its end")
        found: list[dict[str, Any]] = json.loads(file.read_text())["figures"]
        return found


def readme_part(record: Mapping[str, Any]) -> str:
    """What stands in the README between the two marks."""
    parts = [f"{about_words(record)}."]
    for script, found in record["scripts"].items():
        if found:
            parts += [f"**{HEADINGS[script]}**", table([Figure(**each) for each in found])]
    return "\n\n".join(parts) + "\n\n"


def main() -> None:
    """Run, print, and end with 1 if a figure falls short of its bar."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("scripts", nargs="*", default=list(HEADINGS), help=", ".join(HEADINGS))
    parser.add_argument("--full", action="store_true", help="longer, and more")
    parser.add_argument("--record", action="store_true", help="in docs/bench.json and the README")
    options = parser.parse_args()
    began = time.perf_counter()
    record = about()
    record["scripts"] = {script: run(script, full=options.full) for script in options.scripts}
    print(f"\n{readme_part(record)}")
    figures = [Figure(**each) for found in record["scripts"].values() for each in found]
    short = [figure.what for figure in figures if figure.met is False]
    took_s = time.perf_counter() - began
    print(f"{len(figures)} figures in {took_s:.0f} s; short of what is wanted: {short or 'none'}")
    if options.record:
        RECORD.write_text(json.dumps(record, indent=1) + "\n")
        before, _, rest = README.read_text().partition(BEGIN)
        after = rest.partition(END)[2]
        README.write_text(f"{before}{BEGIN}\n{readme_part(record)}{END}{after}")
    sys.exit(bool(short))


if __name__ == "__main__":
    main()
