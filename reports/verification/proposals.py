"""Check that the proposals of a search are within its search space."""

from bloodnets.errors import ConflictError
from reports.format.units import format_count
from reports.ledger.ledger import PROPOSALS_FILE, Ledger
from reports.ledger.planned_trial import PlannedTrial, fill_settings
from reports.ledger.search_record import SearchRecord
from reports.verification.agreement import expect_equal
from reports.verification.configurations import compute_digest, make_baseline_configs


def check_proposals(ledger: Ledger, search: SearchRecord) -> str:
    """Check the number, id, name and settings of every proposal.

    Args:
        ledger: Ledger of the search.
        search: Settings of the search.

    Returns:
        Line that describes what was checked.

    Raises:
        ConflictError: A proposal has a wrong id or name, or is outside the search space.
    """
    proposals, baseline_configs = ledger.read_proposals(), make_baseline_configs(search)
    if len(proposals) > search.n_trials:
        raise ConflictError(
            f"{PROPOSALS_FILE} has {len(proposals)} proposals; study.json allows {search.n_trials}",
            path=PROPOSALS_FILE,
            value=len(proposals),
        )
    for number, planned in enumerate(proposals):
        name = f"trial-{number}"
        expected_id = f"{name}-{compute_digest(planned.config)}"
        expect_equal(
            PROPOSALS_FILE,
            f"id of trial {number}",
            planned.id,
            expected_id,
            "its number and settings",
        )
        if planned.configuration != name:
            expected_name = next(
                (key for key, config in baseline_configs.items() if config == planned.config), name
            )
            expect_equal(
                PROPOSALS_FILE,
                f"name of {name}",
                planned.configuration,
                expected_name,
                "its settings",
            )
        _check_in_space(planned, search)
    count_text = format_count(len(proposals), "proposal")
    return f"{PROPOSALS_FILE}: {count_text}, each within the search space of study.json"


def _check_in_space(planned: PlannedTrial, search: SearchRecord) -> None:
    config = fill_settings(planned.config)
    for key, value in (
        ("seed", search.seed),
        ("loss", "cross_entropy"),
        ("batch_size", search.batch_size),
        ("max_epochs", search.max_epochs),
        ("patience", search.max_epochs),
        ("precision", search.precision),
    ):
        expect_equal(PROPOSALS_FILE, f"{key} of {planned.id}", config[key], value, "study.json")
    sgd = config["optimizer"] == "sgd"
    ranges = {name: bounds for name, bounds in search.ranges.items() if name != "momentum" or sgd}
    if search.resnet is not None:
        baseline_config = fill_settings(search.resnet.baseline_config)
        for key in config.keys() - ranges.keys():
            quantity = f"{key} of {planned.id}"
            expect_equal(PROPOSALS_FILE, quantity, config[key], baseline_config[key], "study.json")
    inside = (
        config["family"] in search.families
        and config["optimizer"] in search.optimizers
        and (sgd or config["momentum"] is None)
        and all(_is_within(config[key], *ends) for key, ends in ranges.items())
    )
    if not inside:
        raise ConflictError(
            f"{PROPOSALS_FILE}: {planned.id} is outside the search space of study.json",
            path=PROPOSALS_FILE,
            value=planned.id,
        )


def _is_within(value: object, low: float, high: float) -> bool:
    return isinstance(value, int | float) and low <= value <= high
