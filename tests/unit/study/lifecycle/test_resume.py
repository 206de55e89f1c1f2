"""What a study that goes on is held against, and what is said of it."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from bloodnets.config import TrialConfig
from bloodnets.errors import ConflictError, DataError
from bloodnets.storage.backends import Address, Remote
from bloodnets.storage.checkpoint_header import state_file
from bloodnets.training.checkpoint import save_state
from bloodnets.training.loop import EpochResult, TrainingState
from reports.ledger.ledger import Ledger
from reports.ledger.records import PlannedTrial, StudyRecord, TrialRecord
from study.lifecycle import status
from study.lifecycle.resume import check, differences, opened, refuse_another, spent_s
from study.lifecycle.status import lines
from study.runtime.lock import held, is_held
from tests.store import BUCKET, Store
from tests.synthetic import build, published_matrices
from tests.synthetic_search import SEARCH
from tests.synthetic_search import build as build_search

WAITS = ("cnn-config-1", 0)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Two trials that ended, and one that did not."""
    matrices = {name: published_matrices()[name] for name in ("mlnn-config-1", "mlnn-config-2")}
    matrices["cnn-config-1"] = published_matrices()["cnn-config-1"]
    return build(tmp_path / "s", matrices, missing={WAITS})


def waiting(ledger: Ledger) -> PlannedTrial:
    (found,) = [planned for planned in ledger.planned() if ledger.trial(planned) is None]
    return found


def begin(ledger: Ledger, config: TrialConfig | None = None, epochs: int = 0) -> Path:
    """Give the trial that waits a state, of its own configuration or another, without training."""
    planned = waiting(ledger)
    config = config or TrialConfig.from_dict(planned.config)
    state = TrainingState.start(config, torch.device("cpu"))
    state.best_weights = {name: v.clone() for name, v in state.model.state_dict().items()}
    for parameter in state.model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    state.optimizer.step()
    done = [
        EpochResult(
            epoch=n, train_loss=1, val_loss=1, val_accuracy=0.5, val_macro_f1=0.5, duration_s=1
        )
        for n in range(1, epochs + 1)
    ]
    study = ledger.study.fingerprint
    content = save_state(state, config, study=study, epochs=done, duration_s=epochs)
    ledger.files.write(state_file(planned.id), content)
    return ledger.folder / state_file(planned.id)


def test_it_is_said_where_a_trial_goes_on(ledger: Ledger) -> None:
    assert check(ledger) == []
    begin(ledger, epochs=7)
    assert check(ledger) == [f"{waiting(ledger).id}: goes on after epoch 7"]


def test_a_state_that_is_gone_is_said(ledger: Ledger) -> None:
    begin(ledger).unlink()
    (said,) = check(ledger)
    assert said.endswith("holds no state: it is trained from its first epoch")


def test_a_record_that_is_gone_is_said(ledger: Ledger) -> None:
    lost = ledger.planned()[0].id
    (ledger.folder / f"trials/{lost}.json").unlink()
    (said,) = check(ledger)
    assert said.startswith(f"{lost}: epochs/{lost}.jsonl is there without its record")


def test_a_state_of_another_network_ends_it_before_ray_starts(ledger: Ledger) -> None:
    config = TrialConfig.from_dict(waiting(ledger).config)
    path = begin(ledger, replace(config, seed=9))
    with pytest.raises(DataError, match=rf"{path} is the state of another trial; remove it"):
        check(ledger)


def test_what_is_half_written_is_cleared_and_what_was_entered_loses_its_state(
    ledger: Ledger,
) -> None:
    half = ledger.folder / "models" / ".x.safetensors.123.part"
    half.write_bytes(b"half")
    ended = state_file(ledger.planned()[0].id)
    ledger.files.write(ended, b"state")
    check(ledger)
    assert not half.exists()
    assert not (ledger.folder / ended).parent.exists()


def test_the_state_of_no_trial_is_named(ledger: Ledger) -> None:
    ledger.files.write(state_file("cnn-config-9-s0-12345678"), b"state")
    with pytest.raises(ConflictError, match=r"cnn-config-9-s0-12345678/.* belongs to no trial"):
        check(ledger)


def test_a_look_that_is_gone_is_named(ledger: Ledger) -> None:
    path = ledger.folder / "looks.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    with pytest.raises(ConflictError, match=r"^looks\.jsonl says that .*; bring the file back"):
        check(ledger)


def test_a_search_that_is_over_does_not_go_on_without_one_of_its_trials(tmp_path: Path) -> None:
    ledger = build_search(tmp_path / "s", search=replace(SEARCH, trials=6))
    lost = ledger.proposals()[5].id
    (ledger.folder / f"trials/{lost}.json").unlink()
    with pytest.raises(ConflictError, match=rf"trials/{lost}\.json is missing, but the search is"):
        check(ledger)


def changed(study: StudyRecord, **settings: object) -> StudyRecord:
    """The same plan, with other settings."""
    trials = []
    for planned in study.trials:
        config = {**planned.config, **settings}
        digest = TrialConfig.from_dict(config).digest()
        name = f"{planned.configuration}-s{config['seed']}-{digest}"
        trials.append(replace(planned, id=name, config=config))
    return replace(study, trials=tuple(trials))


def test_differences_are_said_in_words(ledger: Ledger, tmp_path: Path) -> None:
    study = ledger.study
    search = build_search(tmp_path / "search", search=replace(SEARCH, trials=3)).study
    assert search.search is not None
    other = replace(study.data, name="other.npz", sha256="f" * 64)
    for begun, asked, words in (
        (study, study, []),
        (study, changed(study, max_epochs=7), ["max_epochs was 100, now 7"]),
        (study, changed(study, seed=5), ["the seeds were 0, now 5"]),
        (
            study,
            changed(study, precision="bfloat16"),
            ["precision was float32, now bfloat16"],
        ),
        (
            changed(study, precision="bfloat16"),
            study,
            ["precision was bfloat16, now float32"],
        ),
        (
            study,
            replace(study, trials=study.trials[:2]),
            [
                "the configurations were mlnn-config-1, mlnn-config-2, cnn-config-1, "
                "now mlnn-config-1, mlnn-config-2"
            ],
        ),
        (
            study,
            replace(study, versions={**study.versions, "torch": "9.9"}),
            [f"torch was {study.versions['torch']}, now 9.9"],
        ),
        (
            study,
            replace(study, data=other),
            [
                f"the data were {study.data.name} (SHA-256 {study.data.sha256[:12]}…), now "
                f"other.npz (SHA-256 ffffffffffff…)"
            ],
        ),
        (study, search, ["it is a grid, not a search"]),
        (
            search,
            replace(search, search=replace(search.search, dropout=(0.1, 0.2))),
            ["dropout was 0.0, 0.7, now 0.1, 0.2"],
        ),
        (
            search,
            replace(search, search=replace(search.search, precision="bfloat16")),
            ["precision was float32, now bfloat16"],
        ),
    ):
        assert differences(begun, asked) == words


def test_another_study_is_refused_and_one_that_was_changed(ledger: Ledger) -> None:
    refuse_another(ledger, ledger.study)
    for asked, words in (
        (changed(ledger.study, max_epochs=7), "begun otherwise: max_epochs was 100, now 7; give"),
        (ledger.study, r"begun otherwise: its study\.json was changed since"),
    ):
        with pytest.raises(ConflictError, match=words):
            refuse_another(ledger, replace(asked, fingerprint="another"))


def test_a_study_is_held_by_one(ledger: Ledger) -> None:
    assert not is_held(ledger.folder)
    with opened(ledger.folder, ledger.study, goes_on=True):
        assert is_held(ledger.folder)
        words = "another bloodstudy is at work on"
        with pytest.raises(ConflictError, match=words), held(ledger.folder):
            pytest.fail("two hold it")
        assert "A bloodstudy is at work on it." in [*lines(ledger)]
    assert not is_held(ledger.folder)
    assert not is_held(ledger.folder.parent)  # where there is nothing to hold


def test_a_process_that_is_killed_lets_go(ledger: Ledger) -> None:
    code = (
        "import sys, time; from pathlib import Path; from study.runtime.lock import held\n"
        "with held(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(ledger.folder)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert is_held(ledger.folder)
    holder.kill()
    holder.communicate()
    assert not is_held(ledger.folder)


def ran(started_at: str, duration_s: float, like: TrialRecord) -> TrialRecord:
    return replace(like, started_at=f"2026-11-25T{started_at}+00:00", duration_s=duration_s)


def test_breaks_are_not_counted(ledger: Ledger) -> None:
    like = ledger.trials()[0]
    assert spent_s([]) == 0
    records = [
        ran("10:00:00", 60, like),
        ran("10:00:30", 60, like),  # beside the first
        ran("10:00:40", 5, like),  # within both
        ran("12:00:00", 10, like),  # after a break
    ]
    assert spent_s(records) == 90 + 10
    assert spent_s(records[::-1]) == 100


def test_the_command_is_one_that_can_be_copied(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert status.command(ledger, None) == f"bloodstudy resume {ledger.folder}"
    spaced = tmp_path / "my results"
    shutil.copytree(ledger.folder, spaced / "s")
    assert status.command(Ledger(spaced / "s"), None) == f"bloodstudy resume '{spaced}/s'"
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ledger.folder, tmp_path / "results" / "s")
    own = Ledger(Path("results", "s"))
    assert status.command(own, "head:6379") == "bloodstudy resume s --address head:6379"


def test_status_of_a_grid(ledger: Ledger) -> None:
    begin(ledger, epochs=3)
    said = [*lines(ledger)]
    assert said[0].startswith("s: grid, begun ")
    assert said[2:] == [
        "trials: 2 of 3 ended (2 complete)",
        "left: cnn-config-1-s0 (after 3 epochs)",
        f"Go on with: bloodstudy resume {ledger.folder}",
    ]


def test_status_of_a_search(tmp_path: Path) -> None:
    search = replace(SEARCH, trials=6)
    begun = build_search(tmp_path / "begun", search=search, ended_by=None, running={4, 5})
    said = [*lines(begun)]
    assert said[2].startswith("search: 4 of 6 ended (")
    assert said[3] == "left: trial-4, trial-5, and new proposals"
    over = build_search(tmp_path / "over", search=search, failed={3: "OSError: broken"})
    said = [*lines(over)]
    assert "1 failed" in said[2]
    assert said[3].startswith("confirmation: ")
    assert said[4].startswith("failed: trial-3-")
    assert said[4].endswith(": OSError: broken")
    assert said[5].startswith("All is done but the report: bloodstudy resume")


def test_what_another_process_entered_until_it_ended_is_seen(
    running: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a store, names are listed once: when nobody else can be at work any more."""
    matrices = {"cnn-config-1": published_matrices()["cnn-config-1"]}
    ledger = build(Address(f"s3://{BUCKET}/{tmp_path.name}"), matrices, missing={WAITS})
    name = f"trials/{waiting(ledger).id}.json"

    @contextmanager
    def entered_first(place: Address) -> Iterator[None]:
        Remote(place).write(name, b"{}")
        yield

    monkeypatch.setattr("study.lifecycle.resume.held", entered_first)
    with opened(ledger.place, ledger.study, goes_on=True) as found:
        assert found.files.exists(name)
