"""Check that a search ended as its confirmation says, and that the right trials are re-trained."""

from collections.abc import Mapping, Sequence

from bloodnets.errors import ConflictError
from reports.ledger.ledger import CONFIRMATION_FILE, PROPOSALS_FILE
from reports.ledger.planned_trial import PlannedTrial
from reports.ledger.records import TrialRecord
from reports.ledger.search_record import Confirmation, SearchRecord
from reports.verification.agreement import expect_equal
from reports.verification.configurations import compute_digest, make_baseline_configs


def check_confirmation(
    confirmation: Confirmation,
    search: SearchRecord,
    proposals: Sequence[PlannedTrial],
    records: Mapping[str, TrialRecord],
    curves: Mapping[str, Sequence[float]],
) -> str:
    """Check the end of a search, and that the re-trained configurations follow from its epochs.

    Args:
        confirmation: End of the search and plan of the re-training.
        search: Settings of the search.
        proposals: Proposed trials, in order of their number.
        records: Records of the search's trials, by id.
        curves: Val macro F1 after each epoch, 0 to 1, by id of the trial.

    Returns:
        Line that describes what was checked.

    Raises:
        ConflictError: A check failed.
    """
    if unfinished := [planned.id for planned in proposals if planned.id not in records]:
        name = f"trials/{unfinished[0]}.json"
        raise ConflictError(f"{CONFIRMATION_FILE} exists, but {name} is missing", path=name)
    _check_end(confirmation, search, proposals, curves)
    values = {
        planned.configuration: max(curves[planned.id])
        for planned in proposals
        if curves[planned.id] and records[planned.id].error is None
    }
    _check_chosen(confirmation, search, values)
    _check_retrained(confirmation, search, proposals)
    return f"{CONFIRMATION_FILE}: the re-trained configurations follow from the val scores"


def _check_end(
    confirmation: Confirmation,
    search: SearchRecord,
    proposals: Sequence[PlannedTrial],
    curves: Mapping[str, Sequence[float]],
) -> None:
    """Check that the search could end for the stated reason."""
    quantity, source = "ended_by", "study.json"
    if confirmation.ended_by == "trials":
        expect_equal(
            CONFIRMATION_FILE,
            "number of trials",
            search.n_trials,
            len(proposals),
            PROPOSALS_FILE,
        )
    elif (
        getattr(
            search, {"time_budget": "time_budget_s"}.get(confirmation.ended_by, "target_macro_f1")
        )
        is None
    ):
        expect_equal(CONFIRMATION_FILE, quantity, confirmation.ended_by, "another reason", source)
    highest = max((max(curve) for curve in curves.values() if curve), default=0.0)
    if confirmation.ended_by == "target_macro_f1" and highest < (search.target_macro_f1 or 0):
        source = f"the epochs, where val macro F1 is at most {highest}"
        expect_equal(CONFIRMATION_FILE, quantity, confirmation.ended_by, "another reason", source)


def _check_chosen(
    confirmation: Confirmation, search: SearchRecord, values: Mapping[str, float]
) -> None:
    """Check that the best configurations and the baselines follow from the val scores.

    Ties go to the earlier trial. Without a baseline in the search, all baselines are re-trained.
    """
    ranked = sorted(values, key=lambda name: -values[name])
    best = tuple(ranked[: search.retrain_top])
    baseline_names = list(make_baseline_configs(search))
    ranked_baselines = [name for name in ranked if name in baseline_names]
    baselines = tuple(ranked_baselines[:1] or baseline_names) if best else ()
    expect_equal(CONFIRMATION_FILE, "best", confirmation.best, best, "the epochs")
    expect_equal(CONFIRMATION_FILE, "baselines", confirmation.baselines, baselines, "the epochs")


def _check_retrained(
    confirmation: Confirmation, search: SearchRecord, proposals: Sequence[PlannedTrial]
) -> None:
    """Check that each chosen configuration is planned with each seed and its own settings."""
    configs = make_baseline_configs(search) | {
        planned.configuration: planned.config for planned in proposals
    }
    first_seed = search.seed + 1
    expected_trials = [
        (name, dict(configs[name]) | {"seed": seed})
        for name in dict.fromkeys((*confirmation.best, *confirmation.baselines))
        for seed in range(first_seed, first_seed + search.retrain_seeds)
    ]
    expect_equal(
        CONFIRMATION_FILE,
        "number of trials",
        len(confirmation.trials),
        len(expected_trials),
        "study.json",
    )
    for planned, (name, config) in zip(confirmation.trials, expected_trials, strict=True):
        expected_id = f"{name}-s{config['seed']}-{compute_digest(config)}"
        expect_equal(
            CONFIRMATION_FILE,
            "id of a trial",
            planned.id,
            expected_id,
            "study.json and the proposals",
        )
        expect_equal(
            CONFIRMATION_FILE, f"name of {planned.id}", planned.configuration, name, "its id"
        )
        expect_equal(
            CONFIRMATION_FILE, f"settings of {planned.id}", dict(planned.config), config, "its id"
        )
