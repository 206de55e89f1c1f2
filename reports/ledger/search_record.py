"""Types of the settings of a search and of its end."""

from pydantic.dataclasses import dataclass

from reports.ledger.planned_trial import Config, PlannedTrial, Precision
from reports.ledger.serialization import STRICT
from reports.ledger.states import EndReason


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class ResNetSpace:
    """Further settings of a search of residual networks.

    Attributes:
        weight_decay: Lowest and highest weight decay, sampled log-uniformly.
        label_smoothing: Lowest and highest label smoothing, sampled uniformly.
        width: Lowest and highest number of first-stage channels. Bounds and samples are
            multiples of 8.
        baseline_config: Configuration `resnet` as a trial of the search. It is the baseline, and
            sets the values that are not searched.
    """

    weight_decay: tuple[float, float]
    label_smoothing: tuple[float, float]
    width: tuple[int, int]
    baseline_config: Config


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class SearchRecord:
    """Search space and settings of a search.

    Attributes:
        n_trials: Maximum number of trials that the search proposes, at least 1.
        families: Network families that are searched.
        optimizers: Optimizers that are searched.
        learning_rate: Lowest and highest learning rate, sampled log-uniformly.
        dropout: Lowest and highest dropout probability, sampled uniformly.
        momentum: Lowest and highest momentum, sampled uniformly; SGD only.
        sampler: Optuna sampler: `tpe`, `random`, `gp` or `cmaes`.
        seed: Seed of the sampler and of every trial of the search. Re-training uses the seeds
            `seed + 1` to `seed + retrain_seeds`.
        max_epochs: Epochs of a trial that is not stopped, and maximum epochs of a re-trained one.
        rungs: Epochs below `max_epochs` at which ASHA compares trials.
        reduction_factor: Inverse of the share of trials that ASHA promotes at a rung, at least 2.
        batch_size: Images per step.
        retrain_top: Number of best configurations that are re-trained.
        retrain_seeds: Number of seeds with which each configuration is re-trained.
        time_budget_s: Seconds after which the search ends; None for no limit.
        target_macro_f1: Val macro F1 at which the search ends, 0 to 1; None for no target.
        precision: Precision of matrix products in training.
        resnet: Further settings of a search of residual networks; None for other families.
    """

    n_trials: int
    families: tuple[str, ...]
    optimizers: tuple[str, ...]
    learning_rate: tuple[float, float]
    dropout: tuple[float, float]
    momentum: tuple[float, float]
    sampler: str
    seed: int
    max_epochs: int
    rungs: tuple[int, ...]
    reduction_factor: int
    batch_size: int
    retrain_top: int
    retrain_seeds: int
    time_budget_s: float | None
    target_macro_f1: float | None
    precision: Precision
    resnet: ResNetSpace | None

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """Lowest and highest value of each numeric setting, by name; momentum is for SGD only."""
        bounds_by_name: dict[str, tuple[float, float]] = {
            "momentum": self.momentum,
            "learning_rate": self.learning_rate,
            "dropout": self.dropout,
        }
        if self.resnet is not None:
            bounds_by_name["weight_decay"] = self.resnet.weight_decay
            bounds_by_name["label_smoothing"] = self.resnet.label_smoothing
            bounds_by_name["width"] = self.resnet.width
        return bounds_by_name


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Confirmation:
    """End of a search and plan of the re-training, written once.

    Attributes:
        ended_by: Reason why the search ended.
        duration_s: Duration of the search in seconds.
        concurrency: Number of trials that ran at the same time. With 1, the seed determines every
            proposal.
        best: Names of the configurations with the highest val macro F1, best first, without
            diverged ones.
        baselines: Names of the baselines with which they are compared: the best baseline of the
            search, or every baseline if none was in the search space. Baselines are the
            published configurations, or `resnet`.
        trials: Planned trials: `best` and `baselines`, each with the same seeds.
    """

    ended_by: EndReason
    duration_s: float
    concurrency: int
    best: tuple[str, ...]
    baselines: tuple[str, ...]
    trials: tuple[PlannedTrial, ...]
