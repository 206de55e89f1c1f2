"""Judge the claims of the paper by the trials of a study with published settings."""

from collections.abc import Sequence
from dataclasses import dataclass

from reports.analysis.bootstrap import BootstrapScores, bootstrap_scores
from reports.claims.all_claims import judge_claims
from reports.claims.claim import Claim
from reports.ledger import published
from reports.ledger.loading import LoadedStudy, select_trials


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedStudy:
    """The claims of the paper with the verdicts of a study.

    Attributes:
        claims: The eight claims, in the order of `all_claims.judge_claims`.
        n_trials: Number of trials with predictions on test that the verdicts are based on.
        missing_names: Published configurations of the study without such a trial.
    """

    claims: Sequence[Claim]
    n_trials: int
    missing_names: Sequence[str]


def judge_study(loaded_study: LoadedStudy, bootstrap: BootstrapScores) -> JudgedStudy | None:
    """Judge the paper's claims by a study.

    Args:
        loaded_study: Files of the study.
        bootstrap: Scores of its trials.

    Returns:
        None for data for which `may_show_published` is false, and for a study without published
        settings.
    """
    subset = select_published_trials(loaded_study)
    if not subset.study.trials:
        return None
    n_trials = len(subset.predictions.trials)
    is_whole = n_trials == len(loaded_study.predictions.trials)
    planned_names = dict.fromkeys(trial.configuration for trial in subset.study.trials)
    judged_names = set(subset.predictions.configurations)
    return JudgedStudy(
        claims=judge_claims(
            subset, bootstrap if is_whole else bootstrap_scores(subset.predictions)
        ),
        n_trials=n_trials,
        missing_names=[name for name in planned_names if name not in judged_names],
    )


def select_published_trials(loaded_study: LoadedStudy) -> LoadedStudy:
    """Return the study with only the trials that may be compared with published ones."""
    trial_ids = {
        trial.id
        for trial in loaded_study.study.trials
        if published.may_show_published(loaded_study.study.data)
        and published.find_published(trial.config) is not None
    }
    return select_trials(loaded_study, trial_ids)
