"""The settings of a search, and how it ended."""

from pydantic.dataclasses import dataclass

from reports.ledger.planned_trial import Config, PlannedTrial, Precision
from reports.ledger.serialization import STRICT
from reports.ledger.states import EndReason


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class ResNetSpace:
    """What a search of residual networks draws besides, and where it starts.

    Attributes:
        weight_decay: lowest and highest, drawn log-uniformly.
        label_smoothing: lowest and highest, drawn uniformly.
        width: lowest and highest, both multiples of 8, as are those drawn.
        baseline_config: the configuration `resnet` as a trial of the search: proposed first, and
            what the best is compared with. What is not drawn is as there.
    """

    weight_decay: tuple[float, float]
    label_smoothing: tuple[float, float]
    width: tuple[int, int]
    baseline_config: Config


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class SearchRecord:
    """What a search draws from, and how: all that decides its proposals but their order.

    Attributes:
        n_trials: proposals, at most.
        families: drawn from.
        optimizers: drawn from.
        learning_rate: lowest and highest, drawn log-uniformly.
        dropout: lowest and highest, drawn uniformly.
        momentum: lowest and highest, drawn uniformly where the optimizer is SGD.
        sampler: of Optuna: `tpe`, `random`, `gp` or `cmaes`.
        seed: of the sampler, and of every trial's training; confirmation takes the next ones.
        max_epochs: of a trial that ASHA lets finish, and of every confirmation.
        rungs: Epochs below `max_epochs` at which ASHA compares trials.
        reduction_factor: of the trials at a rung, one in this many goes on.
        batch_size: images a step.
        retrain_top: best configurations to train again.
        retrain_seeds: how often, each with another seed.
        time_budget_s: seconds after which the search ends; None for no such end.
        target_macro_f1: val macro F1, 0 to 1, at which the search ends; None for no such end.
        precision: Precision of matrix products in training.
        resnet: Further settings of a search of residual networks; None for any other.
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
        """Lowest and highest of each setting that is a number; momentum is of SGD alone."""
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
    """How a search ended, and what is trained again because of it: written once, at its end.

    Attributes:
        ended_by: `trials` (all were run), `time_budget` or `target_macro_f1`.
        duration_s: of the search, in seconds.
        concurrency: trials that ran at the same time; with 1, the seed decides every proposal.
        best: configurations with the best val macro F1, the best first; never one that diverged.
        baselines: the published configurations that they are compared with: the best one of the
            search, or all of the families searched if none was in its space.
        trials: the plan: `best` and `baselines`, each with the same seeds.
    """

    ended_by: EndReason
    duration_s: float
    concurrency: int
    best: tuple[str, ...]
    baselines: tuple[str, ...]
    trials: tuple[PlannedTrial, ...]
