"""Names and settings as every output shows them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reports.format.units import format_count
from reports.ledger.planned_trial import NEUTRAL_SETTINGS
from reports.ledger.records import DataRecord, SoftwareRecord
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
    """The written form of a setting's value, or the value itself if it has none."""
    return LABELS.get(str(value), str(value))


def format_loss_and_optimizer(loss: object, optimizer: object) -> str:
    """Loss and optimizer as the paper writes them: `CrossEntropy + SGD`."""
    return f"{label(loss)} + {label(optimizer)}"


def format_settings(config: Mapping[Any, Any]) -> str:
    """`CNN, Adam, learning rate 0.00093, dropout 0.13`, from a `TrialConfig` as a dict."""
    momentum = config["momentum"]
    parts = [label(config["family"]), label(config["optimizer"])]
    parts.append(f"learning rate {config['learning_rate']:.2g}")
    if momentum is not None and not math.isnan(momentum):
        parts.append(f"momentum {momentum:.2g}")
    parts.append(f"dropout {config['dropout']:.2g}")
    for name, text in (
        ("weight_decay", "weight decay {:.2g}"),
        ("label_smoothing", "smoothing {:.2g}"),
        ("width", "width {:.0f}"),
    ):
        value = config.get(name)
        if value is not None and not math.isnan(value) and value != NEUTRAL_SETTINGS[name]:
            parts.append(text.format(value))
    return ", ".join(parts)


def describe_search_settings(search: SearchRecord) -> list[tuple[str, str]]:
    """What a search draws from, and how, each with its name."""
    low, high = search.learning_rate
    rungs = ", ".join(map(str, search.rungs)) or "none"
    return [
        ("Families", ", ".join(map(label, search.families))),
        ("Optimizers", ", ".join(map(label, search.optimizers))),
        ("Learning rate", f"{low:g} to {high:g}, log-uniform"),
        ("Dropout", "{:g} to {:g}, uniform".format(*search.dropout)),
        *_describe_extra_settings(search),
        ("Sampler", f"{search.sampler}, seed {search.seed}"),
        ("Rungs", f"epochs {rungs} of {search.max_epochs}; 1 in {search.reduction_factor} goes on"),
    ]


def _describe_extra_settings(search: SearchRecord) -> list[tuple[str, str]]:
    if search.resnet is None:
        return [("Momentum", "{:g} to {:g}, uniform, where SGD".format(*search.momentum))]
    space = search.resnet
    return [
        ("Weight decay", "{:g} to {:g}, log-uniform".format(*space.weight_decay)),
        ("Label smoothing", "{:g} to {:g}, uniform".format(*space.label_smoothing)),
        ("Width", "{:g} to {:g}, in eights".format(*space.width)),
    ]


def get_baseline_label(search: SearchRecord) -> str:
    """What the configurations that a search proposes first are called."""
    return "published" if search.resnet is None else "starting"


def make_class_label(index: int, name: str) -> str:
    """A class's number and a name short enough for an axis.

    The names of `medmnist.INFO` explain themselves in parentheses, at a length that no axis
    bears. The number, which is what the paper calls a class by, keeps labels distinct.
    """
    short_name = _strip_note(name)
    return f"{index} {short_name if len(short_name) <= 24 else short_name[:23] + '…'}"


def shorten_class_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the classes without notes in parentheses, if they stay distinct."""
    short_names = tuple(_strip_note(name) for name in names)
    return short_names if len({*short_names}) == len(names) else tuple(names)


def _strip_note(name: str) -> str:
    return name.partition("(")[0].strip() or name


@dataclass(frozen=True, slots=True, kw_only=True)
class DataLabel:
    """How the data are named.

    Attributes:
        warning: `SYNTHETIC` if they must not pass for photographs; empty otherwise.
        short: for captions and the corners of figures.
        full: once in every output, with the whole hash.
    """

    warning: str
    short: str
    full: str


def make_data_label(data: DataRecord) -> DataLabel:
    """Name the data: official, or by file and SHA-256, or synthetic."""
    if data.kind == "synthetic":
        text = "SYNTHETIC: stand-in cells, not photographs"
        return DataLabel(warning="SYNTHETIC", short=text, full=f"{text} (SHA-256 {data.sha256})")
    if data.kind == "official":
        full = f"official BloodMNIST ({data.name}, MD5 {data.md5})"
        return DataLabel(warning="", short="official BloodMNIST", full=full)
    short = f"{data.name}, SHA-256 {data.sha256[:12]}…"
    return DataLabel(warning="", short=short, full=f"{data.name}, SHA-256 {data.sha256}")


def list_software_differences(existing: SoftwareRecord, new: SoftwareRecord) -> list[str]:
    """Describe what differs between two versions of the software, one phrase per difference."""
    differences = []
    for name in sorted(existing.versions.keys() | new.versions.keys()):
        was, now = (software.versions.get(name, "missing") for software in (existing, new))
        if was != now:
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
        notices.append(f"{change.changed_at}: {differences}; {trials} trained with this software")
        previous = change.software
    return notices


def describe_sources(software: SoftwareRecord) -> str:
    """Name the source code: its commit, if known, and the SHA-256 of each package."""
    hashes = ", ".join(f"{name} {sha256[:12]}…" for name, sha256 in software.sources.items())
    commit = f"commit {_shorten_commit(software)}; " if software.commit else ""
    return f"{commit}SHA-256 of {hashes}"
