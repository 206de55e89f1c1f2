"""What the packages import is what an installation without the developers' tools brings."""

import ast
import re
import sys
import tomllib
from fnmatch import fnmatchcase
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

from reports.sections.paper.references import SOFTWARE_LICENSE
from study.cli.export import EXPORT_PACKAGES

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
OWN = ("bloodnets", "reports", "study")
TRACKER_PACKAGES = ("mlflow", "sqlalchemy", "tensorboard")
"""Import names of the packages in the extras `mlflow` and `tensorboard`."""


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(package: str) -> set[str]:
    """Top-level names that a package imports from elsewhere, wherever in a module."""
    names: set[str] = set()
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names - sys.stdlib_module_names - {*OWN}


def declared(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[\[<>=~! ]", line)[0]) for line in requirements}


@pytest.mark.parametrize("package", OWN)
def test_imports_of_a_package_are_declared_dependencies(package: str) -> None:
    """What `export` and `export-runs` import is an extra, whose absence the command names."""
    brings = packages_distributions()
    extras = {*EXPORT_PACKAGES, *TRACKER_PACKAGES}
    names = imported(package) - (extras if package == "study" else set())
    assert names
    own = declared(PROJECT["project"]["dependencies"])
    assert {name for name in names if not {*map(normal, brings[name])} & own} == set()


def test_package_data_has_the_pretrained_model() -> None:
    folder = "study/inference/pretrained_model"
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["study.inference"]
    assert {path.name for path in (ROOT / folder).iterdir()} == {"model.onnx", "README.md"}
    assert "pretrained_model/*" in patterns


def test_export_extra_equals_the_imports_of_export() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    assert {*EXPORT_PACKAGES} <= imported("study")
    assert declared(extras["export"]) == {*EXPORT_PACKAGES, "torch"}
    assert {*EXPORT_PACKAGES} <= declared(extras["dev"])
    pinned = declared((ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines())
    assert {*EXPORT_PACKAGES} <= pinned


def test_tracker_extras_equal_the_imports_of_trackers() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    assert {*TRACKER_PACKAGES} <= imported("study/trackers")
    # MLflow needs alembic to create a database, which mlflow-skinny does not require.
    tracker_packages = declared([*extras["mlflow"], *extras["tensorboard"]])
    assert tracker_packages == {"alembic", "mlflow-skinny", "sqlalchemy", "tensorboard"}
    assert tracker_packages <= declared(extras["dev"])
    pinned = declared((ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines())
    assert tracker_packages <= pinned


def test_folders_with_code_are_packaged() -> None:
    folders = {path.parent for package in OWN for path in (ROOT / package).rglob("*.py")}
    include = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    for folder in folders:
        name = ".".join(folder.relative_to(ROOT).parts)
        assert (folder / "__init__.py").is_file(), name
        assert any(fnmatchcase(name, pattern) for pattern in include), name


def test_citation_file_states_what_pyproject_states() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = PROJECT["project"]
    assert citation["title"] == project["name"]
    assert citation["abstract"] == project["description"]
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])
    assert citation["authors"] == project["authors"]
    assert citation["keywords"] == project["keywords"]


def test_license_that_a_report_states_is_that_of_pyproject() -> None:
    assert PROJECT["project"]["license"] == SOFTWARE_LICENSE
