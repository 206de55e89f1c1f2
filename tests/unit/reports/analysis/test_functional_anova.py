"""Shares of the variance: those of Optuna's evaluator, on numbers, choices and both."""

import numpy as np
import optuna
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

from reports.analysis.functional_anova import compute_main_effects

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
    shares = compute_main_effects(
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
    total = sum(shares.values())
    assert 0 < total < 1  # the rest are interactions, which Optuna leaves out
    assert {name: share / total for name, share in shares.items()} == pytest.approx(
        expected, rel=1e-9
    )


def test_shares_of_additive_settings_sum_to_nearly_one_and_of_an_interaction_to_less() -> None:
    points = np.random.default_rng(0).uniform(size=(200, 2))
    high = points > 0.5

    def sum_shares(values: np.ndarray) -> float:
        shares = compute_main_effects(
            points,
            values.astype(np.float64),
            bounds=np.array([[0.0, 1.0], [0.0, 1.0]]),
            columns={"a": [0], "b": [1]},
            n_trees=8,
        )
        return sum(shares.values())

    assert sum_shares(high[:, 0] + 2 * high[:, 1]) > 0.95
    assert sum_shares(high[:, 0] ^ high[:, 1]) < 0.2


def test_shares_without_any_difference_are_zero() -> None:
    points = np.random.default_rng(0).uniform(size=(12, 2))
    shares = compute_main_effects(
        points,
        np.full(12, 0.5),
        bounds=np.array([[0.0, 1.0], [0.0, 1.0]]),
        columns={"a": [0], "b": [1]},
        n_trees=4,
    )
    assert shares == {"a": 0.0, "b": 0.0}
