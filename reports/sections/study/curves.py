"""Training loss and macro F1 on val, epoch by epoch."""

from reports import figures
from reports.figures.curves import BAND_FROM, LINES_AT_MOST
from reports.format.text import word
from reports.sections.elements import Section, picture, slug
from reports.sections.findings import Findings, beside


def _lines(seeds: int) -> str:
    """What the lines of a panel are."""
    words = "Grey: the other configurations. Ring: the epoch whose weights were kept."
    if seeds > 1:
        words = f"Bold: the mean of the seeds, up to the last epoch that all ran. {words}"
    if seeds >= BAND_FROM:
        words = f"Band: mean ± standard deviation over seeds. {words}"
    return f"Thin: a seed. {words}" if 1 < seeds <= LINES_AT_MOST else words


def section(found: Findings) -> Section | None:
    """A figure a family for each of the two."""
    frame = found.curves[found.curves["configuration"].isin(found.drawn)]
    if frame.empty:
        return None
    lines = _lines(frame.groupby("configuration")["seed"].nunique().max())
    pictures = []
    for value, title in (("train_loss", "Training loss"), ("val_macro_f1", "Macro F1 on val")):
        for family in frame["family"].unique():
            own = frame[frame["family"] == family]
            means = found.mean_curves[found.mean_curves["configuration"].isin(own["configuration"])]
            pictures.append(
                picture(
                    f"{value.replace('_', '-')}-{slug(family)}",
                    f"{title}, {word(family)}{beside(family, value, found)}. {lines}",
                    figures.curves(own, means, value=value, data=found.data),
                    found.data,
                )
            )
    title = "Learning curves" if found.search is None else "Learning curves of the confirmation"
    words = "The training loss is the mean over an epoch, with dropout active."
    if not found.twins.empty:
        words += " Equal curves are expected where only the loss differs: it is the same function."
    return Section(key="curves", title=title, words=(words,), pictures=tuple(pictures))
