"""Text escaped for Markdown and LaTeX."""

import pytest

from reports.format.escape import escape_latex, escape_markdown
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
