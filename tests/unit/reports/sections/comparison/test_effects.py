"""The section on effects: one row and one line of the figure a contrast."""

from reports.sections.comparison import effects
from tests.helpers.report_frames import MINUS, OFFICIAL, find_table, make_effects, read_rows


def test_effects_table_shows_contrast_family_and_interval() -> None:
    frame = make_effects()
    section = effects.make_section(frame, data=OFFICIAL)
    table = find_table(section, "effects")
    first, second, third = read_rows(table)
    assert [first["difference"], first["interval"]] == ["+6.12", "[+5.00, +7.00]"]
    assert [first["pairs"], first["replicates"], first["p_holm"]] == ["4", "3", "0.0003"]
    assert "CNN" in first["contrast_label"]
    assert "MLNN" in first["contrast_label"]
    assert [second["difference"], second["p_holm"]] == [f"{MINUS}0.43", "0.0800"]
    assert [first["family_label"], third["family_label"]] == ["all", "CNN"]
    assert third["difference"] == "0.00"
    assert table.values is frame


def test_effects_section_has_one_figure() -> None:
    section = effects.make_section(make_effects(), data=OFFICIAL)
    assert section is not None
    assert section.key == "effects"
    (figure,) = section.figures
    assert figure.name == "effects"


def test_effects_without_a_contrast_are_left_out() -> None:
    assert effects.make_section(make_effects().iloc[:0], data=OFFICIAL) is None
