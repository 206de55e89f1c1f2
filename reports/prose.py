"""The sentences of the report that depend on its numbers. Plain text, escaped where it is shown."""

from collections.abc import Iterable

import pandas as pd

from reports.typeset import DataWords, number, plural, with_spread

# Published scores are rounded to .01 %, so a difference beyond that is not rounding.
_ROUNDING = 0.0001


def summary(comparison: pd.DataFrame, data: DataWords) -> Iterable[str]:
    """The result in a paragraph, with what it is not; then what is lacking.

    Args:
        comparison: from `tables.comparison`.
        data: what it was measured on.
    """
    scored = comparison[comparison["seeds"] > 0]
    yield _best(scored) if len(scored) else "No trial has finished: there is nothing to compare."
    if data.mark:
        yield (
            "The cells are drawings. The scores show that the software works; they say nothing "
            "about blood cells and are not compared with published values."
        )
    lacking = [
        f"{comparison[name].sum():,} {name}"
        for name in ("failed", "missing")
        if comparison[name].any()
    ]
    if lacking:
        planned = plural(int(comparison["seeds_planned"].sum()), "planned trial")
        yield f"Of {planned}: {', '.join(lacking)}; see “Trials that did not finish”."


def _best(scored: pd.DataFrame) -> str:
    """Which configuration scored highest on test, and how little that says."""
    top = scored[scored["test_macro_f1"] == scored["test_macro_f1"].max()]
    best = top.iloc[0]
    score = f"{number(best['test_macro_f1'], 'percent')} % (one seed)"
    if best["seeds"] > 1:
        score = with_spread(best["test_macro_f1"], best["test_macro_f1_sd"], "percent")
        score += f" % (mean and standard deviation of {best['seeds']} seeds)"
    names = " and ".join(str(name) for name in top["configuration"])
    among = f", among {plural(len(scored), 'configuration')}" if len(scored) > 1 else ""
    verb = "has" if len(top) == 1 else "share"
    words = [f"{names} {verb} the highest macro F1 on test{among}: {score}."]
    if len(scored) > 1:
        words.append(
            "The highest of several is flattered by luck; this report makes no statistical test."
        )
    if scored["seeds"].min() < scored["seeds"].max():
        words.append("Configurations were measured with different numbers of seeds.")
    return " ".join([*words, _luck(best, alone=scored["seeds"].max() == 1)])


def _luck(best: pd.Series, *, alone: bool) -> str:
    """What is known of the uncertainty: with one seed, the sampling of test images alone."""
    error = (
        f"the choice of {best['test_images']:,} test images alone gives an accuracy of "
        f"{number(best['test_accuracy'], 'percent')} % a standard error of about "
        f"{number(best['test_accuracy_se'], 'percent')} points, sqrt(p (1 \N{MINUS SIGN} p) / n)"
    )
    if alone:
        return (
            f"One seed has no spread, and {error}: a difference of less than about "
            f"{number(best['test_accuracy_least'], 'percent')} points is not a finding."
        )
    return f"Beside the spread over seeds, {error}."


def mismatches(comparison: pd.DataFrame) -> str:
    """Published rows whose listed weighted F1 is not that of their own matrix."""
    listed = comparison["published_weighted_f1"]
    own = comparison["published_matrix_weighted_f1"]
    rows = comparison[(listed - own).abs() > _ROUNDING]
    return "".join(
        f" For {name} it lists {number(a, 'percent')} %, but its matrix gives "
        f"{number(b, 'percent')} %."
        for name, a, b in zip(
            rows["configuration"], listed[rows.index], own[rows.index], strict=True
        )
    )
