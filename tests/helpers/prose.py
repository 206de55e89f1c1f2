"""Text that people read, taken from source code and Markdown."""

import io
import re
import tokenize
from collections.abc import Iterator
from typing import NamedTuple

_WITHOUT_MEANING = {tokenize.NL, tokenize.INDENT, tokenize.DEDENT}
_ABBREVIATIONS = r"(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bvs\.)(?<!\bal\.)"


class Passage(NamedTuple):
    """A comment, a string or a paragraph.

    Attributes:
        line: Number of its first line, from 1.
        text: Its text in one line.
        is_prose: Whether its decimals are prose; false in style sheets and scripts.
    """

    line: int
    text: str
    is_prose: bool = True


def read_python_passages(source: str) -> Iterator[Passage]:
    """Yield the comments and strings of a module; adjacent ones are joined."""
    kind, line, text = tokenize.ENDMARKER, 0, ""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in _WITHOUT_MEANING:
            continue
        is_text = token.type in {tokenize.COMMENT, tokenize.STRING}
        if token.type != kind and text:
            yield Passage(line, " ".join(text.split()))
            text = ""
        if is_text:
            line = line if text else token.start[0]
            text += _read_token(token)
        kind = token.type


def _read_token(token: tokenize.TokenInfo) -> str:
    if token.type == tokenize.COMMENT:
        return token.string.removeprefix("#") + "\n"
    body = re.sub(r"""^[A-Za-z]*("{3}|'{3}|"|')|("{3}|'{3}|"|')$""", "", token.string)
    return body.replace("\\n", "\n")


def read_text_passages(text: str, *, is_prose: bool = True) -> Iterator[Passage]:
    """Yield the paragraphs of a text, without addresses; lists and tables are split by item."""
    line = 1
    for paragraph in re.split(r"(\n\s*\n|\n(?=\s*(?:[-*#|/]|\d+\.) ?))", text):
        content = re.sub(r"\(?(?:https?|s3)://\S+", "", paragraph)
        if content.strip():
            yield Passage(line, " ".join(content.split()), is_prose)
        line += paragraph.count("\n")


def split_sentences(markdown: str) -> list[str]:
    """Return the sentences of a Markdown page, without code blocks, tables and headings."""
    text = re.sub(r"^ *(```|~~~).*?^ *\1", "", markdown, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"^ *(?:[#|>!]|:::|<).*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"`[^`]*`", "code", text)
    text = re.sub(r"^ *(?:[-*]|\d+\.) ", "\n\n", text, flags=re.MULTILINE)
    return [
        sentence
        for block in re.split(r"\n\s*\n", text)
        for sentence in re.split(rf"(?<=[.!?:]){_ABBREVIATIONS}\s+", " ".join(block.split()))
        if sentence.endswith((".", "!", "?", ":"))
    ]
