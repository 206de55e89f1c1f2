"""Write a copy of a search to a file for Optuna Dashboard, in a thread."""

import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState

from bloodnets.errors import ResourceError
from study.tuning.background_writer import BackgroundWriter

UserAttrs = Mapping[str, str | None]


class OptunaFile:
    """Optuna study in a journal file, which may lag behind the search.

    A change takes 0.4 ms in a journal, and 4 to 40 ms in SQLite. A change of a journal is appended
    by one system call, so the file remains readable if the process is killed.

    Every method raises `ResourceError` if the file or an earlier change could not be written.
    """

    def __init__(self, path: Path, name: str) -> None:
        """Create an empty study; a file of an earlier run is replaced.

        Args:
            path: Path of the file.
            name: Name of the study.
        """
        self._writer = BackgroundWriter()
        self._trial_ids: list[int] = []
        lock = JournalFileOpenLock(str(path))
        try:
            path.unlink(missing_ok=True)
            with suppress(RuntimeError):  # there is a lock only if a process was killed
                lock.release()
            self._storage = JournalStorage(JournalFileBackend(str(path), lock))
        except OSError as error:
            raise _make_error(error) from error
        study = optuna.create_study(storage=self._storage, study_name=name, direction="maximize")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            study.set_metric_names(["val_macro_f1"])  # labels the axes of a dashboard
        self._study_id = self._storage.get_study_id_from_name(name)

    def add(self, trial: FrozenTrial) -> None:
        """Add a trial; its number is that of trials added before."""

        def write() -> None:
            self._trial_ids.append(self._storage.create_new_trial(self._study_id, trial))

        self._submit(write)

    def start(self, number: int, user_attrs: UserAttrs) -> None:
        """Start a trial that was added as waiting.

        Args:
            number: Number of the trial.
            user_attrs: User attributes to set.
        """
        self._submit(lambda: self._set(number, TrialState.RUNNING, None, user_attrs))

    def report(self, number: int, epoch: int, best_value: float) -> None:
        """Report the best val macro F1 so far.

        Args:
            number: Number of a running trial.
            epoch: Number of the epoch, starting at 1.
            best_value: Best val macro F1 so far, 0 to 1.
        """

        def write() -> None:
            trial_id = self._trial_ids[number]
            self._storage.set_trial_intermediate_value(trial_id, epoch, best_value)

        self._submit(write)

    def tell(
        self, number: int, state: TrialState, value: float | None, user_attrs: UserAttrs
    ) -> None:
        """Set the final state of a trial.

        Args:
            number: Number of a running trial.
            state: Final state.
            value: Best val macro F1, 0 to 1; None without one.
            user_attrs: User attributes to set.
        """
        self._submit(lambda: self._set(number, state, value, user_attrs))

    def close(self) -> None:
        """Wait until all changes are written."""
        self._writer.close()

    def _set(
        self, number: int, state: TrialState, value: float | None, user_attrs: UserAttrs
    ) -> None:
        trial_id = self._trial_ids[number]
        for name, attr in user_attrs.items():
            self._storage.set_trial_user_attr(trial_id, name, attr)
        values = None if value is None else [value]
        self._storage.set_trial_state_values(trial_id, state, values)

    def _submit(self, change: Callable[[], None]) -> None:
        def write() -> None:
            try:
                change()
            except OSError as error:
                raise _make_error(error) from error

        self._writer.collect()
        self._writer.submit(write)


def _make_error(error: OSError) -> ResourceError:
    return ResourceError(f"cannot write Optuna's file: {error}", path=error.filename)
