"""A report is made again and compared: an intact one passes, and whatever is changed is named."""

import hashlib
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest

from bloodnets.errors import ConflictError
from reports.analysis.pair_decisions import DEFAULT_MARGIN
from reports.ledger.ledger import Ledger
from reports.page.archive import ARCHIVE_FILE, write_archive
from reports.page.publish import write_report
from reports.verification import report as report_module
from reports.verification.report import check_report
from reports.verification.verify import DisagreementError, verify_study
from tests.helpers.quick_figures import write_texts_of_figures
from tests.helpers.small_studies import (
    N_SMALL_IMAGES,
    TRIAL_FILES,
    edit_json,
    get_trial_file,
    list_trial_ids,
)

IMAGES = np.arange(N_SMALL_IMAGES * 28 * 28 * 3).reshape(-1, 28, 28, 3).astype(np.uint8)
NO_IMAGES = np.zeros_like(IMAGES)


@pytest.fixture(scope="module", autouse=True)
def quick_reports() -> Iterator[None]:
    """Write the texts of figures instead of drawing them."""
    with write_texts_of_figures():
        yield


@pytest.fixture(scope="module")
def report(small_grid: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the small grid, which has none in its folder; not to be changed."""
    folder = tmp_path_factory.mktemp("report") / "report"
    return write_report(Ledger(small_grid), folder=folder).parent


@pytest.fixture(scope="module")
def report_with_images(small_grid: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same report with test images; not to be changed."""
    folder = tmp_path_factory.mktemp("report") / "report"
    return write_report(Ledger(small_grid), folder=folder, images=IMAGES).parent


@pytest.fixture
def reported(grid_copy: Path, report: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study with a report, which is made again by copying the one that its ledger gives."""
    shutil.copytree(report, grid_copy / "report")

    def copy_report(ledger: Ledger, *, folder: Path, images: object, margin: float) -> Path:
        assert images is None
        return Path(shutil.copytree(report, folder)) / "index.html"

    monkeypatch.setattr(report_module, "write_report", copy_report)
    return grid_copy


@pytest.fixture
def illustrated(
    grid_copy: Path, report: Path, report_with_images: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A study with a report that shows test images, made again likewise."""
    shutil.copytree(report_with_images, grid_copy / "report")

    def copy_report(ledger: Ledger, *, folder: Path, images: object, margin: float) -> Path:
        source = report if images is None else report_with_images
        return Path(shutil.copytree(source, folder)) / "index.html"

    monkeypatch.setattr(report_module, "write_report", copy_report)
    return grid_copy


def find_difference(folder: Path) -> ConflictError:
    with pytest.raises(ConflictError) as caught:
        check_report(Ledger(folder), None)
    assert "\n" not in str(caught.value)
    return caught.value


def test_check_report_without_a_report_passes(small_grid: Path) -> None:
    assert check_report(Ledger(small_grid), None)


def test_check_report_of_an_intact_report_passes_and_changes_nothing(
    grid_copy: Path, report: Path
) -> None:
    shutil.copytree(report, grid_copy / "report")
    before = {path: path.read_bytes() for path in grid_copy.rglob("*") if path.is_file()}
    suffixes = [path.suffix for path in (grid_copy / "report").rglob("*") if path.is_file()]
    n_compared = sum(suffix not in {".svg", ".png", ".zip"} for suffix in suffixes)
    line = check_report(Ledger(grid_copy), None)
    assert f" {n_compared} " in line
    assert f" {suffixes.count('.svg')} " in line
    assert {path: path.read_bytes() for path in grid_copy.rglob("*") if path.is_file()} == before


def test_check_report_with_another_margin_is_made_again_with_it(
    grid_copy: Path,
) -> None:
    write_report(Ledger(grid_copy), margin=0.025)
    assert check_report(Ledger(grid_copy), None)
    pairs_path = grid_copy / "report" / "tables" / "pairwise.csv"
    pairs = pd.read_csv(pairs_path)
    assert pairs["margin"].tolist() == [0.025]
    pairs.assign(margin=0.02).to_csv(pairs_path, index=False)
    assert find_difference(grid_copy).path == "report/tables/pairwise.csv"


@pytest.mark.parametrize(
    ("content", "margin"),
    [
        ("a,margin\nx,0.025\n", 0.025),
        ("a,margin\n", DEFAULT_MARGIN),
        ("a\nx\n", DEFAULT_MARGIN),
        ("a,margin\nx,?\n", DEFAULT_MARGIN),
        ("", DEFAULT_MARGIN),
        (None, DEFAULT_MARGIN),
    ],
    ids=["another margin", "no pair", "no column", "no number", "empty", "no file"],
)
def test_check_report_reads_the_margin_of_the_pairs(
    grid_copy: Path,
    report: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: str | None,
    margin: float,
) -> None:
    margins: list[float] = []

    def copy_report(ledger: Ledger, *, folder: Path, images: object, margin: float) -> Path:
        margins.append(margin)
        return Path(shutil.copytree(grid_copy / "report", folder)) / "index.html"

    monkeypatch.setattr(report_module, "write_report", copy_report)
    shutil.copytree(report, grid_copy / "report")
    pairs_path = grid_copy / "report" / "tables" / "pairwise.csv"
    if content is None:
        pairs_path.unlink()
    else:
        pairs_path.write_text(content)
    write_archive(grid_copy / "report")
    check_report(Ledger(grid_copy), None)
    assert margins == [margin]


def test_check_report_after_a_change_of_the_ledger_raises_with_the_old_value(
    grid_copy: Path, report: Path
) -> None:
    """Of a duration, and of a trial that is gone: nothing but the report tells of them."""
    shutil.copytree(report, grid_copy / "report")
    trial_ids = list_trial_ids(grid_copy)
    record = get_trial_file(grid_copy, trial_ids[0], "trials")
    edit_json(record, ("duration_s",), lambda x: x + 1)
    error = find_difference(grid_copy)
    assert (error.path or "").startswith("report/tables/")
    assert ",78.75," in str(error.value)  # the mean of 75 and 82.5
    edit_json(record, ("duration_s",), lambda x: x - 1)
    for kind in TRIAL_FILES:
        get_trial_file(grid_copy, trial_ids[3], kind).unlink()
    assert (find_difference(grid_copy).path or "").startswith("report/tables/")


def change_figures(report: Path, change: Callable[[bytes], bytes]) -> None:
    """Change every SVG file."""
    for path in (report / "figures").glob("*.svg"):
        path.write_bytes(change(path.read_bytes()))
    write_archive(report)


def test_check_report_with_figures_of_another_matplotlib_compares_their_texts(
    reported: Path,
) -> None:
    change_figures(reported / "report", lambda svg: svg.replace(b"9.9", b"1.0") + b"other lines")
    change_page(reported, 'data-creator="9.9"', 'data-creator="1.0" class="other"')
    assert "matplotlib" in check_report(Ledger(reported), None)
    change_figures(reported / "report", lambda svg: svg.replace(b"-->", b"%-->", 1))
    assert (find_difference(reported).path or "").startswith("report/figures/")


@pytest.mark.parametrize("creator", ["9.9", "1.0"])
def test_check_report_with_another_value_in_a_figure_of_the_page_raises_with_its_path(
    reported: Path, creator: str
) -> None:
    change_page(reported, 'data-creator="9.9"', f'data-creator="{creator}"')
    change_page(reported, 'data-tip="ranking"', 'data-tip="99%"')
    assert find_difference(reported).path == "report/index.html"


def test_check_report_with_other_lines_in_a_figure_of_the_page_raises_with_its_path(
    reported: Path,
) -> None:
    change_page(reported, 'data-creator="9.9"', 'data-creator="9.9" class="other"')
    assert find_difference(reported).path == "report/index.html"


def change_page(folder: Path, before: str, after: str) -> None:
    page = folder / "report" / "index.html"
    text = page.read_text(encoding="utf-8")
    assert before in text
    page.write_text(text.replace(before, after), encoding="utf-8")


def test_check_report_with_a_changed_figure_raises_with_its_path(reported: Path) -> None:
    change_figures(reported / "report", lambda svg: svg + b" ")
    assert (find_difference(reported).path or "").endswith(".svg")


def test_check_report_with_a_changed_png_raises_with_its_path(reported: Path) -> None:
    path = next((reported / "report" / "figures").glob("*.png"))
    path.write_bytes(b"other")
    assert find_difference(reported).path == f"report/figures/{path.name}"


def test_check_report_with_a_figure_swapped_in_the_page_only_raises(reported: Path) -> None:
    page = reported / "report" / "index.html"
    text = page.read_text(encoding="utf-8")
    first, *_, second = re.findall(r"<svg .*?</svg>", text, re.DOTALL)
    page.write_text(text.replace(first, second), encoding="utf-8")
    assert find_difference(reported).path == "report/index.html"


def test_check_report_of_another_page_than_the_logged_one_raises_with_its_hash(
    reported: Path,
) -> None:
    """The page of another version of matplotlib, for example, in which the figures differ."""
    ledger = Ledger(reported)
    ledger.log.add_report()
    change_figures(reported / "report", lambda svg: svg.replace(b"9.9", b"1.0"))
    change_page(reported, 'data-creator="9.9"', 'data-creator="1.0"')
    digest = hashlib.sha256((reported / "report/index.html").read_bytes()).hexdigest()
    error = find_difference(reported)
    assert (error.path, error.value) == ("report/index.html", digest)


def test_check_report_after_a_later_event_raises_with_a_remedy(reported: Path) -> None:
    ledger = Ledger(reported)
    ledger.log.add_report()
    (reported / "report" / "report.md").write_text("other")
    assert find_difference(reported).remedy is None
    ledger.log.add_test_evaluation(list_trial_ids(reported)[0], reason="later")
    assert "bloodstudy report" in (find_difference(reported).remedy or "")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("index.html", "<td", "<td title='x'"),
        ("report.md", "test", "text"),
        ("tables/comparison.csv", "0.", "1."),
        ("tables/probabilities.csv", "0.", "1."),
        ("tables/per-class-more-cnn.csv", "0.", "1."),
        ("tables/confusion-columns-cnn.csv", "0.", "1."),
        ("tables/comparison.md", "|", "||"),
        ("tables/comparison.tex", r"\begin", r"\end"),
        ("checklist.md", "deep learning", "regression"),
        ("methods.md", "images", "photographs"),
        ("references.bib", "1979", "1980"),
    ],
)
def test_check_report_with_a_changed_file_raises_with_its_line(
    reported: Path, name: str, old: str, new: str
) -> None:
    path = reported / "report" / name
    text = path.read_text(encoding="utf-8")
    changed = text.replace(old, new, 1)
    path.write_text(changed, encoding="utf-8")
    error = find_difference(reported)
    n_lines_before = text[: text.index(old)].count("\n")
    assert error.path == f"report/{name}"
    assert error.value == changed.split("\n")[n_lines_before]
    assert len(error.problem) < 260


def test_check_report_with_a_line_more_or_less_raises_with_its_path(reported: Path) -> None:
    path = reported / "report" / "report.md"
    text = path.read_text(encoding="utf-8")
    for changed in (text + "One more.\n", text.rstrip("\n")):
        path.write_text(changed, encoding="utf-8")
        assert find_difference(reported).path == "report/report.md"


@pytest.mark.parametrize(
    "name", ["index.html", "report.md", "checklist.md", "tables/comparison.csv"]
)
def test_check_report_without_a_file_raises_with_its_path(reported: Path, name: str) -> None:
    (reported / "report" / name).unlink()
    assert (find_difference(reported).path or "").endswith(f"report/{name}")


def test_check_report_with_another_file_raises_with_its_path(reported: Path) -> None:
    (reported / "report" / "tables" / "more.csv").write_text("1")
    assert find_difference(reported).path == "report/tables/more.csv"


def test_check_report_with_other_files_in_the_archive_raises_with_its_path(reported: Path) -> None:
    archive = reported / "report" / ARCHIVE_FILE
    with ZipFile(archive, "a") as file:
        file.writestr("../more.csv", "1")
    assert find_difference(reported).path == f"report/{ARCHIVE_FILE}"
    archive.write_bytes(b"torn")
    assert find_difference(reported).path == f"report/{ARCHIVE_FILE}"


def test_verify_study_with_a_changed_report_raises(reported: Path) -> None:
    (reported / "report" / "tables" / "more.csv").write_text("1")
    with pytest.raises(DisagreementError) as caught:
        list(verify_study(Ledger(reported)))
    assert caught.value.path == "report/tables/more.csv"


def test_check_report_with_test_images_compares_their_pixels_where_they_are_given(
    illustrated: Path,
) -> None:
    ledger = Ledger(illustrated)
    compared, not_compared = check_report(ledger, IMAGES), check_report(ledger, None)
    assert compared != not_compared
    page = illustrated / "report" / "index.html"
    text = page.read_text(encoding="utf-8")
    start = text.index("data:image/png;base64,")
    page.write_text(text[:start] + text[start:].replace("A", "B", 1), encoding="utf-8")
    assert check_report(ledger, None) == not_compared
    with pytest.raises(ConflictError) as caught:
        check_report(ledger, IMAGES)
    assert caught.value.path == "report/index.html"


@pytest.mark.parametrize("change", ["<span>", '<section id="misclassified">'])
def test_check_report_without_test_images_compares_the_text_of_their_section(
    illustrated: Path, change: str
) -> None:
    """Also a second section with the same id, in which any text could stand."""
    page = illustrated / "report" / "index.html"
    text = page.read_text(encoding="utf-8")
    assert change in text
    page.write_text(text.replace(change, f"{change}\n{change}", 1), encoding="utf-8")
    assert find_difference(illustrated).path == "report/index.html"


def test_check_report_with_test_images_compares_what_comes_after_them(illustrated: Path) -> None:
    page = illustrated / "report" / "index.html"
    text = page.read_text(encoding="utf-8")
    before, tag, after = text.rpartition("</section>")
    assert '<section id="misclassified">' in before
    page.write_text(f"{before}<p>One more.</p>\n{tag}{after}", encoding="utf-8")
    assert find_difference(illustrated).path == "report/index.html"


def test_check_report_without_test_images_is_made_again_without_them(reported: Path) -> None:
    """`reported` refuses to make the report with images."""
    assert check_report(Ledger(reported), NO_IMAGES)
