"""Compare configurations whose losses are equivalent, and check the paper's differences."""

from collections.abc import Iterator
from typing import Any

from reports.analysis.equivalent_losses import ROUNDING_TOLERANCE, EquivalentLosses
from reports.format.columns import EQUIVALENT_LOSS_COLUMNS, REPLICATE_NOISE_COLUMNS
from reports.format.table import make_table
from reports.format.text import DataLabel
from reports.format.units import format_count
from reports.sections.elements import Section
from reports.sections.verdict_text import RAW_LOGITS


def make_section(losses: EquivalentLosses, *, data: DataLabel) -> Section | None:
    """Show how many predictions differ, and compare the paper's differences with replicate noise.

    Args:
        losses: Configurations that differ only in the loss.
        data: Names of the data.
    """
    if losses.pairs.empty:
        return None
    report_tables = [
        make_table(
            "equivalent-losses",
            "Predictions on test, by loss",
            EQUIVALENT_LOSS_COLUMNS,
            losses.pairs,
        )
    ]
    noise = losses.replicate_noise
    if not data.warning and not noise.empty:
        table_caption = "Published differences between equivalent configurations"
        display_frame = noise.assign(
            verdict=noise["within_limit"]
            .map({True: "within the limit", False: "above the limit"})
            .fillna("no basis")
        )
        report_tables.append(
            make_table(
                "published-differences",
                table_caption,
                REPLICATE_NOISE_COLUMNS,
                display_frame,
                values=noise,
            )
        )
    return Section(
        key="equivalent-losses",
        title="Equivalent loss functions",
        paragraphs=tuple(_describe_losses(losses, data)),
        notes=tuple(_explain_method(len(report_tables))),
        tables=tuple(report_tables),
    )


def _describe_losses(losses: EquivalentLosses, data: DataLabel) -> Iterator[str]:
    """Say how many predictions differ and why, and which limits are unknown."""
    pairs, noise = losses.pairs, losses.replicate_noise
    total, differing = pairs["n_predictions"].sum(), pairs["n_differing"].sum()
    yield (
        f"{differing:,} of {format_count(int(total), 'prediction')} on test differ between "
        "configurations that differ only in the loss; 0 are expected."
    )
    differing_pairs = pairs[pairs["n_differing"] > 0]
    for cause, group in differing_pairs.groupby(
        [_explain_difference(pair) for pair in differing_pairs.itertuples()], sort=False
    ):
        names = zip(group["cross_entropy"], group["nll"], strict=True)
        yield f"{'; '.join(' and '.join(pair_names) for pair_names in names)}: {cause}"
    if data.warning or noise.empty:
        return
    has_replicates = noise["replicate_dof"] > 0
    if not has_replicates.any():
        yield "A limit for the published differences needs two replicates or more (--seeds 2)."
    if (has_replicates & noise["limit"].isna()).any():
        yield (
            "All replicates of a configuration have the same score, so there is no limit. A few "
            "equal scores do not show that the variance is 0."
        )


def _explain_method(n_tables: int) -> Iterator[str]:
    yield (
        "CrossEntropy on logits and NLLLoss on a log-softmax are the same function. Configurations "
        "that differ only in the loss should therefore make the same predictions with the same "
        "seed and fold on the same hardware."
    )
    if n_tables > 1:
        yield (
            "The paper attributes the differences between such configurations (1 and 3, 2 and 4) "
            "to the loss, but only the seed differs. Two runs of the same function differ by less "
            "than the limit in 95% of cases. The limit follows from the standard deviation of the "
            "weighted F1 of the first configuration over the replicates of this study."
        )


def _explain_difference(pair: Any) -> str:
    """Explain why two configurations that should be the same function differ."""
    if pair.has_negative_loss:
        return RAW_LOGITS
    if pair.first_loss_difference <= ROUNDING_TOLERANCE:
        return (
            "the losses are equal at first and then differ, which indicates rounding errors. "
            "Either the trials ran on different hardware, or one model computes the log-softmax "
            "in another way, e.g. twice."
        )
    return (
        "the losses differ from the first epoch on, so the two are not the same function. Check "
        "the last layer of both models."
    )
