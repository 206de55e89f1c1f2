"""One vocabulary: phrases that are always wrong here, and what to write instead."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.prose import Passage, read_python_passages, read_text_passages, split_sentences

ROOT = Path(__file__).parents[2]

_AS_IN_BRITAIN = (
    r"\w*colour|grey|licence|centre[ds]?|metres?|catalogue|artefact|behaviour|favour|neighbour"
    r"|(?:normal|optim|initial|organ|summar|serial|random|minim|maxim|general|recogn|visual|real)is"
    r"(?:e|es|ed|er|ers|ing|ation|ations)|analys(?:ed|ing)|(?:label|model|cancel|travel)ling"
)

BANNED = {
    r"\b(?:goes|go|going|went|gone) on\b": "resume, continue, is promoted",
    r"\bwanted\b": "expected, target",
    r"\blook(?:s|ed|ing)? at (?:the )?test\b|\blooked at\b": "test evaluation, evaluated",
    r"\bluck(?:y|ily)?\b": "variance",
    r"\bbeyond chance\b|\b(?:can|could|may) be chance\b": "significant, not significant",
    r"\btold apart\b|\bcannot tell (?:\w+ )?apart\b": "not significantly different",
    r"\bat hand\b": "available",
    r"\b(?:hold|holds|held|holding) against\b": "compared with",
    r"\bbrings\b(?! (?:back|up|down|together))": "contributes, provides",
    r"\b(?:come|comes|came|coming) out (?:otherwise|the same)\b": "differs, is the same",
    r"\b(?:train|trains|trained|training) (?:\w+ )?again\b": "re-train",
    r"\b(?:tries|tried) again\b": "retried",
    r"\b(?:rendered|drawn) (?:stand-in )?(?:cell|cells|image|images|data)\b": "synthetic",
    r"(?<!leave )(?<!let )(?<!timed )(?<!stands )(?<!runs )(?<!-)\balone\b": "only",
    r"\belsewhere than\b": "outside",
    r"\b(?:has|have) it that\b": "says that",
    r"\b(?:say|says|said) of\b": "says about",
    r"\bof it private\b": "a private copy",
    r"\bthereby|whereof|alike|as yet|be it\b": "a plain word",
    r"(?:^|(?<=[.!?] ))(?-i:Of) (?!course)": "For ... at the beginning of a sentence",
    rf"\b(?:{_AS_IN_BRITAIN})": "American spelling",
}
DECIMAL = re.compile(r"(?:^|(?<=[ (\[\u2013]))[-+]?\.\d+\b(?![%.])")

# A page that lists the phrases puts the list between these.
_LIST_OF_PHRASES = re.compile(r"<!-- banned phrases -->.*?<!-- end -->", flags=re.DOTALL)

_PYTHON = [
    path
    for name in ("bloodnets", "docs", "examples", "reports", "study")
    for path in ROOT.glob(f"{name}/**/*.py")
]
_TEXTS = [
    *ROOT.glob("reports/page/templates/*"),
    *ROOT.glob("docs/**/*.md"),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *(ROOT / name for name in ("Makefile", "cluster.yaml", "zensical.toml", "pyproject.toml")),
    *(ROOT / name for name in ("Dockerfile", "kuberay-rayjob.yaml", "slurm.sbatch")),
]
_FILES = sorted(path.relative_to(ROOT).as_posix() for path in (*_PYTHON, *_TEXTS))

_PAGES = [
    name
    for name in _FILES
    if name == "README.md" or (name.startswith("docs/") and name.endswith(".md"))
]


def find_banned(passages: Iterator[Passage]) -> list[str]:
    """Return the banned phrases, each with its line and what to write instead."""
    hits = []
    for line, text, is_prose in passages:
        for pattern, replacement in BANNED.items():
            for match in re.finditer(pattern, text, flags=re.IGNORECASE):
                context = text[max(match.start() - 30, 0) : match.end() + 30]
                hits.append(f"{line}: {context!r}; write: {replacement}")
        for match in DECIMAL.finditer(text) if is_prose else ():
            context = text[max(match.start() - 30, 0) : match.end() + 30]
            hits.append(f"{line}: {context!r}; write: {match.group().replace('.', '0.')}")
    return hits


@pytest.mark.parametrize("name", _FILES)
def test_vocabulary_is_kept(name: str) -> None:
    text = _LIST_OF_PHRASES.sub("", (ROOT / name).read_text(encoding="utf-8"))
    if name.endswith(".py"):
        passages = read_python_passages(text)
    else:
        passages = read_text_passages(text, is_prose=not name.endswith((".css", ".js")))
    hits = find_banned(passages)
    assert not hits, "\n".join(hits)


@pytest.mark.parametrize(
    "text",
    [
        "The trial goes on.",
        "wanted: a number",
        "images of test are looked at once",
        "by luck",
        "This is beyond chance.",
        "the two cannot be told apart",
        "the memory at hand",
        "held against the published table",
        "what momentum brings",
        "the trial comes out otherwise",
        "the best are trained once again",
        "the upload is tried again",
        "drawn cells",
        "on val alone",
        "The cells are there. Of these, 12 are on test.",
        "the colours are normalised",
        "a centre, a licence, grey",
        "at a rate of .01, and (.5)",
        "a file that lies elsewhere than here",
    ],
)
def test_banned_phrase_is_found(text: str) -> None:
    assert len(find_banned(read_text_passages(text))) >= 1


@pytest.mark.parametrize(
    "text",
    [
        "machine learning, state_dict, look up, a stand-alone page; leave alone",
        "https://example.org/colour/alone; s3://bucket/grey",
        "colors that a reader can tell apart, each timed alone",
        "version 0.5, 1.5 and f'{value:.3f}', '.5%', 'file.7z', ...5",
        "Of course the analysis, the analyses, color, normalized, lightgrey",
        "bring the node back; try again later; parameters; the ingoing one",
    ],
)
def test_plain_text_is_accepted(text: str) -> None:
    assert find_banned(read_text_passages(text)) == []


def test_python_passages_are_comments_and_strings_across_lines() -> None:
    source = '''x = goes_on  # the search
# goes
# on
"""Doc goes
on."""
f("goes "
  f"on {x} .5")
goes.on = "a\\ngoes on"
'''
    passages = read_python_passages(source)
    lines = [int(hit.partition(":")[0]) for hit in find_banned(passages)]
    assert lines == [2, 4, 6, 6, 8]


def test_readme_has_at_most_120_lines() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120


@pytest.mark.parametrize("name", _PAGES)
def test_sentences_have_at_most_18_words_on_average(name: str) -> None:
    sentences = split_sentences((ROOT / name).read_text(encoding="utf-8"))
    words = [len(sentence.split()) for sentence in sentences]
    longest = max(sentences, key=lambda sentence: len(sentence.split()), default="")
    assert sum(words) <= 18 * len(words), f"{sum(words) / len(words):.1f}; longest: {longest}"


def test_sentences_are_split() -> None:
    page = """# A heading. Not counted.

A sentence, e.g. this one, has
a [link here](https://example.org/a.b). Another `bloodstudy grid. x` one!

- An item
- An item with a sentence.

| table. | not counted. |

```sh
code. not counted.
```
"""
    assert split_sentences(page) == [
        "A sentence, e.g. this one, has a link here.",
        "Another code one!",
        "An item with a sentence.",
    ]
