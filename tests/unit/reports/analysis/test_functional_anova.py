"""Shares of the variance: those of Optuna's evaluator, on numbers, choices and both."""

import numpy as np
import optuna
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from reports.analysis.functional_anova import compute_variance_shares

CHOICES = ("mlnn", "cnn", "resnet")


def compute_with_optuna(
    distributions: dict[str, BaseDistribution],
    trials: list[dict[str, float | str]],
    values: np.ndarray,
) -> dict[str, float]:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize")
    for params, value in zip(trials, values, strict=True):
        study.add_trial(
            optuna.trial.create_trial(
                params=params, distributions=distributions, value=float(value)
            )
        )
    evaluator = optuna.importance.FanovaImportanceEvaluator(n_trees=8, seed=0)
    return optuna.importance.get_param_importances(study, evaluator=evaluator)


@pytest.mark.parametrize("n_trials", [10, 80])
def test_shares_of_numbers_and_a_choice_are_those_of_optuna(n_trials: int) -> None:
    random = np.random.default_rng(n_trials)
    chosen = random.integers(3, size=n_trials)
    x, y = random.uniform(0.2, 0.7, n_trials), random.uniform(-5, -1, n_trials)
    values = 0.1 * chosen + x * np.sin(3 * y)
    shares = compute_variance_shares(
        np.column_stack([*(chosen == i for i in range(3)), x, y]).astype(np.float64),
        values,
        bounds=np.array([[0, 1]] * 3 + [[0.2, 0.7], [-5, -1]], dtype=np.float64),
        columns={"family": [0, 1, 2], "x": [3], "y": [4]},
        n_trees=8,
    )
    expected = compute_with_optuna(
        {
            "family": CategoricalDistribution(CHOICES),
            "x": FloatDistribution(0.2, 0.7),
            "y": FloatDistribution(-5, -1),
        },
        [
            {"family": CHOICES[i], "x": float(a), "y": float(b)}
            for i, a, b in zip(chosen, x, y, strict=True)
        ],
        values,
    )
    assert shares == pytest.approx(expected, rel=1e-9)
    assert sum(shares.values()) == pytest.approx(1)


def test_shares_without_any_difference_are_equal() -> None:
    points = np.random.default_rng(0).uniform(size=(12, 2))
    shares = compute_variance_shares(
        points,
        np.full(12, 0.5),
        bounds=np.array([[0.0, 1.0], [0.0, 1.0]]),
        columns={"a": [0], "b": [1]},
        n_trees=4,
    )
    assert shares == {"a": 0.5, "b": 0.5}
