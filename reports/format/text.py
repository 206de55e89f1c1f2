"""Format names and settings for all outputs."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bloodnets.versions import get_significant_version
from reports.format.units import format_count
from reports.ledger.data_record import DataRecord
from reports.ledger.planned_trial import NEUTRAL_SETTINGS
from reports.ledger.records import SoftwareRecord
from reports.ledger.search_record import SearchRecord

if TYPE_CHECKING:
    from reports.ledger.loading import LoadedStudy

LABELS = {
    "cross_entropy": "CrossEntropy",
    "nll": "NLLLoss",
    "sgd": "SGD",
    "adam": "Adam",
    "adamw": "AdamW",
    "mlnn": "MLNN",
    "cnn": "CNN",
    "resnet": "ResNet",
    "one_cycle": "one-cycle",
    "True": "yes",
    "False": "no",
}


def label(value: object) -> str:
    """Return the display form of a setting's value, or the value itself if it has none."""
    return LABELS.get(str(value), str(value))


def format_loss_and_optimizer(loss: object, optimizer: object) -> str:
    """Format loss and optimizer as in the paper: `CrossEntropy + SGD`."""
    return f"{label(loss)} + {label(optimizer)}"


def format_settings(config: Mapping[Any, Any]) -> str:
    """Format a `TrialConfig` dict as `CNN, Adam, learning rate 0.00093, dropout 0.13`."""
    momentum = config["momentum"]
    parts = [label(config["family"]), label(config["optimizer"])]
    parts.append(f"learning rate {config['learning_rate']:.2g}")
    if momentum is not None and not math.isnan(momentum):
        parts.append(f"momentum {momentum:.2g}")
    parts.append(f"dropout {config['dropout']:.2g}")
    for name, text in (
        ("weight_decay", "weight decay {:.2g}"),
        ("label_smoothing", "label smoothing {:.2g}"),
        ("width", "width {:.0f}"),
    ):
        value = config.get(name)
        if value is not None and not math.isnan(value) and value != NEUTRAL_SETTINGS[name]:
            parts.append(text.format(value))
    if config.get("class_weights") == "balanced":
        parts.append("balanced class weights")
    if config.get("orientations") is True:  # not NaN, which a frame may have
        parts.append("mean over orientations")
    return ", ".join(parts)


def describe_search_settings(search: SearchRecord) -> list[tuple[str, str]]:
    """Return the search space, sampler and rungs of a search, as (name, text) pairs."""
    low, high = search.learning_rate
    return [
        ("Families", ", ".join(map(label, search.families))),
        ("Optimizers", ", ".join(map(label, search.optimizers))),
        ("Learning rate", f"{low:g} to {high:g}, log-uniform"),
        ("Dropout", "{:g} to {:g}, uniform".format(*search.dropout)),
        *_describe_extra_settings(search),
        ("Sampler", f"{search.sampler}, seed {search.seed}"),
        ("Rungs", _describe_rungs(search)),
    ]


def _describe_rungs(search: SearchRecord) -> str:
    if not search.rungs:
        return "none"
    rungs = ", ".join(map(str, search.rungs))
    promoted = f"the top 1/{search.reduction_factor} is promoted"
    return f"epochs {rungs} of {search.max_epochs}; {promoted}"


def _describe_extra_settings(search: SearchRecord) -> list[tuple[str, str]]:
    if search.resnet is None:
        return [("Momentum", "{:g} to {:g}, uniform, SGD only".format(*search.momentum))]
    space = search.resnet
    return [
        ("Weight decay", "{:g} to {:g}, log-uniform".format(*space.weight_decay)),
        ("Label smoothing", "{:g} to {:g}, uniform".format(*space.label_smoothing)),
        ("Width", "{:g} to {:g}, multiples of 8".format(*space.width)),
    ]


def get_baseline_label(search: SearchRecord) -> str:
    """Return the adjective for the configurations that a search proposes first."""
    return "published" if search.resnet is None else "starting"


def make_class_label(index: int, name: str) -> str:
    """Return the number of a class and a name that is short enough for an axis.

    The names in `medmnist.INFO` have notes in parentheses that are too long for an axis. The
    number, which the paper uses to refer to a class, keeps labels distinct.
    """
    short_name = _strip_note(name)
    return f"{index} {short_name if len(short_name) <= 24 else short_name[:23] + '…'}"


def shorten_class_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the class names without notes in parentheses, if they stay distinct."""
    short_names = tuple(_strip_note(name) for name in names)
    return short_names if len({*short_names}) == len(names) else tuple(names)


def _strip_note(name: str) -> str:
    return name.partition("(")[0].strip() or name


@dataclass(frozen=True, slots=True, kw_only=True)
class DataLabel:
    """Names of the data.

    Attributes:
        warning: `SYNTHETIC` if the images are not photographs; empty otherwise.
        short: Short name for figures, tables in LaTeX and text.
        full: Full name with the whole hash.
    """

    warning: str
    short: str
    full: str

    @property
    def short_line(self) -> str:
        """Line of a table file or a figure that names the data by the short name."""
        return self._make_line(self.short)

    @property
    def full_line(self) -> str:
        """Line of a page or a text file that names the data by the full name."""
        return self._make_line(self.full)

    def _make_line(self, name: str) -> str:
        return name if self.warning else f"Data: {name}"


def make_data_label(data: DataRecord) -> DataLabel:
    """Name the data as a file of MedMNIST, as synthetic, or by file and SHA-256."""
    if data.kind == "synthetic":
        text = "SYNTHETIC: stand-in cells, not photographs"
        return DataLabel(warning="SYNTHETIC", short=text, full=f"{text} (SHA-256 {data.sha256})")
    if data.kind == "official":
        full = f"official BloodMNIST ({data.name}, MD5 {data.md5})"
        return DataLabel(warning="", short="official BloodMNIST", full=full)
    if data.medmnist_file is not None:
        title = data.medmnist_file.title
        full = f"{title}, {data.name}, MD5 {data.md5}"
        return DataLabel(warning="", short=title, full=full)
    short = f"{data.name}, SHA-256 {data.sha256[:12]}…"
    return DataLabel(warning="", short=short, full=f"{data.name}, SHA-256 {data.sha256}")


def list_software_differences(existing: SoftwareRecord, new: SoftwareRecord) -> list[str]:
    """Describe what differs between two versions of the software, one phrase per difference.

    Versions that may differ between the trials of a study are not differences; see
    `get_significant_version`.
    """
    differences = []
    for name in sorted(existing.versions.keys() | new.versions.keys()):
        was, now = (software.versions.get(name, "missing") for software in (existing, new))
        if get_significant_version(name, was) != get_significant_version(name, now):
            differences.append(f"{name} was {was}, now {now}")
    changed_packages = [
        name
        for name in sorted(existing.sources.keys() | new.sources.keys())
        if existing.sources.get(name) != new.sources.get(name)
    ]
    if changed_packages:
        *others, last = changed_packages
        names = f"{', '.join(others)} and {last}" if others else last
        difference = f"the source code of {names} changed"
        if existing.commit and new.commit and existing.commit != new.commit:
            difference += f" (commit {_shorten_commit(existing)} to {_shorten_commit(new)})"
        differences.append(difference)
    return differences


def _shorten_commit(software: SoftwareRecord) -> str:
    commit, dash, dirty = (software.commit or "").partition("-")
    return commit[:12] + dash + dirty


def list_software_notices(loaded_study: "LoadedStudy") -> list[str]:
    """Describe each change of software with which trials were trained, and how many."""
    records = [*loaded_study.records.values()]
    if loaded_study.search is not None:
        records += loaded_study.search.records.values()
    notices, previous = [], loaded_study.study.software
    for change in loaded_study.software_changes:
        sha256 = change.software.sha256
        n_after = sum(record.software_sha256 == sha256 for record in records)
        if not n_after:
            continue
        differences = "; ".join(list_software_differences(previous, change.software))
        trials = f"{n_after} of {format_count(len(records), 'trial')}"
        notices.append(
            f"{change.changed_at}: {differences}; {trials} were trained with this software"
        )
        previous = change.software
    return notices


def describe_trial_versions(loaded_study: "LoadedStudy") -> str | None:
    """Name the versions that differ between trials, and how many trials had them; None if equal."""
    records = [*loaded_study.records.values()]
    if loaded_study.search is not None:
        records += loaded_study.search.records.values()
    versions = [record.versions for record in records if record.versions is not None]
    names = dict.fromkeys(name for trial_versions in versions for name in trial_versions)
    differing = [name for name in names if len({trial.get(name) for trial in versions}) > 1]
    if not differing:
        return None
    counts = Counter(
        ", ".join(f"{name} {trial.get(name, 'unknown')}" for name in differing)
        for trial in versions
    )
    return "; ".join(f"{text}: {format_count(n, 'trial')}" for text, n in counts.items())


def describe_sources(software: SoftwareRecord) -> str:
    """Name the source code: its commit, if known, and the SHA-256 of each package."""
    hashes = ", ".join(f"{name} {sha256[:12]}…" for name, sha256 in software.sources.items())
    commit = f"commit {_shorten_commit(software)}; " if software.commit else ""
    return f"{commit}SHA-256 of {hashes}"
