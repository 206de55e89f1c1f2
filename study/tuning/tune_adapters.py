"""Searchers, schedulers and a stopper for Ray Tune, as thin adapters on the driver."""

import time
from collections.abc import Callable, Iterable, Mapping

from ray import tune
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from bloodnets.config import TrialConfig
from bloodnets.errors import StudyError
from bloodnets.messages import SPEC_KEY, TrialSpec, read_report, read_spec
from bloodnets.storage.location import to_absolute_str
from reports.ledger.ledger import Ledger
from reports.ledger.planned_trial import PlannedTrial
from study.configs.study_config import StudyConfig
from study.runtime.tune_internals import PickledAsBlank, count_ended_trials, find_pending_trial
from study.tuning.search_run import SearchRun

CAPACITY_REFRESH_S = 1.0

MIN_REPORT_INTERVAL_S = 2.0
"""Seconds between the reports of a trial, except at its rungs: the progress stays up to date."""

MAX_REPORTS_PER_S = 100
"""Such reports of all trials per second, for which the driver needs a quarter of its time."""


class PlanSearcher(PickledAsBlank, Searcher):
    """Searcher that passes the trials of a plan to Tune, in order.

    Tune's own grid is not used: it is copied for each trial before the first one starts.
    """

    def __init__(self, specs: Iterable[TrialSpec]) -> None:
        super().__init__(metric=None, mode=None)
        self._specs = iter(specs)

    def suggest(self, trial_id: str) -> dict[str, TrialSpec]:
        """Return the next trial. Tune limits the number of calls by `num_samples`."""
        return {SPEC_KEY: next(self._specs)}

    def on_trial_complete(self, *args: object, **info: object) -> None:
        """Do nothing; the callback records the trial in the ledger."""

    def save(self, checkpoint_path: str) -> None:
        """Do nothing, because the ledger stores the state."""

    restore = save


class ProposalSearcher(PickledAsBlank, Searcher):
    """Searcher that passes the proposals of a search to Tune."""

    def __init__(
        self,
        search_run: SearchRun,
        *,
        make_spec: Callable[[PlannedTrial], TrialSpec],
        get_capacity: Callable[[], int],
        add_proposal: Callable[[PlannedTrial], None],
        on_proposal: Callable[[PlannedTrial], None],
        on_error: Callable[[StudyError], None],
    ) -> None:
        """Create a searcher.

        Args:
            search_run: Search that proposes the trials.
            make_spec: Function that returns the specification of a planned trial.
            get_capacity: Function that returns how many trials can run at the same time.
            add_proposal: Function that adds a new proposal to the ledger.
            on_proposal: Function that is called with each proposal.
            on_error: Function that is called if a proposal could not be written to the ledger.
        """
        super().__init__(metric=None, mode=None)
        self._search_run = search_run
        self._make_spec = make_spec
        self._get_capacity = get_capacity
        self._add_proposal = add_proposal
        self._on_proposal, self._on_error = on_proposal, on_error
        self._capacity, self._capacity_time = 0, float("-inf")

    def suggest(self, trial_id: str) -> dict[str, TrialSpec] | None:
        """Return the next proposal; None if there is no capacity or it could not be written.

        A cluster grows and shrinks, so the capacity is updated regularly. Proposals are not made in
        advance, because they would ignore the trials that end before they start.
        """
        if time.monotonic() - self._capacity_time > CAPACITY_REFRESH_S:
            self._capacity, self._capacity_time = self._get_capacity(), time.monotonic()
        if self._search_run.n_running >= self._capacity:
            return None
        try:
            planned = self._search_run.propose(self._add_proposal)
            self._on_proposal(planned)
        except StudyError as error:
            self._on_error(error)
            return None
        return {SPEC_KEY: self._make_spec(planned)}

    def on_trial_complete(self, *args: object, **info: object) -> None:
        """Do nothing; the callback updates the search once the trial is in the ledger."""

    def save(self, checkpoint_path: str) -> None:
        """Do nothing, because the ledger stores the state."""

    restore = save


class PendingFirstScheduler(PickledAsBlank, FIFOScheduler):
    """FIFO scheduler that gives a free process to the first trial without one.

    `tune_internals.find_pending_trial` explains why Tune's FIFO scheduler does not.
    """

    def __init__(self) -> None:
        super().__init__()
        self._n_ended = 0

    def choose_trial_to_run(self, tune_controller: TuneController) -> Trial | None:
        """Return the trial to start next; None if none can start.

        Tune calls it several times per report, so ended trials are not visited again.
        """
        self._n_ended = count_ended_trials(tune_controller, self._n_ended)
        return find_pending_trial(tune_controller, first=self._n_ended)


class AshaScheduler(PendingFirstScheduler):
    """Scheduler that stops the trials that a search does not promote."""

    def __init__(self, search_run: SearchRun) -> None:
        super().__init__()
        self._search_run = search_run

    def on_trial_result(
        self, tune_controller: TuneController, trial: Trial, result: dict[str, object]
    ) -> str:
        """Return Tune's decision constant: whether a trial continues after a report."""
        report, spec = read_report(result), read_spec(trial.config)
        continues = True
        for epoch in report.epochs if report is not None else ():  # a rung is always the last
            continues = self._search_run.decide(spec.id, spec.configuration, epoch)
        return str(TrialScheduler.CONTINUE if continues else TrialScheduler.STOP)


class SearchStopper(PickledAsBlank, tune.Stopper):
    """Stopper that ends the run when a search has ended, or has to be continued by another one."""

    def __init__(self, search_run: SearchRun) -> None:
        self._search_run = search_run

    def __call__(self, trial_id: str, result: dict[str, object]) -> bool:
        """Return False; the scheduler stops single trials."""
        return False

    def stop_all(self) -> bool:
        """Return whether no trial may continue in this run."""
        return self._search_run.is_over() or self._search_run.has_lost_trial


def get_trial_id(trial: Trial) -> str:
    """Return the id of a trial, which Tune uses in file names."""
    return read_spec(trial.config).id


def make_resource_request(
    config: StudyConfig,
) -> Callable[[Mapping[str, object]], tune.PlacementGroupFactory]:
    """Return the function that returns the resources of a trial, given its parameters in Tune.

    Args:
        config: Settings of the study.
    """
    # Ray sends the function to each worker, which should not import this module.
    gpus_per_trial = config.gpus_per_trial or 0.0
    # Tune compares the requests of its trials often, which is fast if they are the same object.
    requests = {
        gpus: tune.PlacementGroupFactory([{"CPU": config.cpus_per_trial, "GPU": gpus}])
        for gpus in config.gpu_shares
    }

    def request_resources(tune_config: Mapping[str, object]) -> tune.PlacementGroupFactory:
        gpus = gpus_per_trial
        if isinstance(gpus, Mapping):
            gpus = gpus[read_spec(tune_config).config.family]
        return requests[gpus]

    return request_resources


def prepare_specs(
    ledger: Ledger, probe_file: str, *, evaluate_test: bool, n_slots: int = 1
) -> Callable[[PlannedTrial], TrialSpec]:
    """Return a function that makes the specification of a planned trial for its worker.

    Args:
        ledger: Ledger of the study.
        probe_file: File in the study's folder by which workers recognize the driver's storage.
        evaluate_test: Whether the trials are evaluated on test. ASHA stops only trials that are
            not.
        n_slots: Number of trials that run at the same time.
    """
    location, search = to_absolute_str(ledger.location), ledger.study.search
    rungs = search.rungs if search is not None and not evaluate_test else ()
    report_interval_s = max(MIN_REPORT_INTERVAL_S, n_slots / MAX_REPORTS_PER_S)

    def make_spec(trial: PlannedTrial) -> TrialSpec:
        return TrialSpec(
            id=trial.id,
            configuration=trial.configuration,
            config=TrialConfig.from_dict(trial.config),
            location=location,
            probe_file=probe_file,
            study_fingerprint=ledger.study.fingerprint,
            evaluate_test=evaluate_test,
            rungs=rungs,
            report_interval_s=report_interval_s,
        )

    return make_spec
