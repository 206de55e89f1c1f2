"""Text escaped for Markdown, LaTeX and spreadsheets."""

import pytest

from reports.format.escape import escape_formula, escape_latex, escape_markdown
from reports.format.units import BLANK


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("50 % & $1 #_{}", r"50 \% \& \$1 \#\_\{\}"),
        ("~^\\", r"\textasciitilde{}\textasciicircum{}\textbackslash{}"),
        ('<a|b>"', r"\textless{}a\textbar{}b\textgreater{}\textquotedbl{}"),
        ("94.20 ± 0.31", r"94.20\,$\pm$\,0.31"),
        ("a…", r"a\ldots{}"),
        (BLANK, "--"),
        ("[a]*\nb", "{[}a]{*} b"),
        (12, "12"),
    ],
)
def test_escape_latex_special_characters_become_commands(text: object, escaped: str) -> None:
    assert escape_latex(text) == escaped


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("_a_|`c`[d](e)", r"\_a\_\|\`c\`\[d\](e)"),
        ("<b> & $f$", r"&lt;b&gt; &amp; \$f\$"),
        ("# ~x~ {y}! *z* \\", r"\# \~x\~ \{y\}\! \*z\* \\"),
        ("a\n\n b", "a b"),
        (None, "None"),
    ],
)
def test_escape_markdown_special_characters_stay_text(text: object, escaped: str) -> None:
    assert escape_markdown(text) == escaped


@pytest.mark.parametrize(
    "text", ["=cmd(1)", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1"]
)
def test_escape_formula_text_gets_an_apostrophe(text: str) -> None:
    assert escape_formula(text) == f"'{text}"


@pytest.mark.parametrize("value", ["a=1", "", " b", -1, -0.5, None, True])
def test_escape_formula_other_values_are_unchanged(value: object) -> None:
    assert escape_formula(value) is value
