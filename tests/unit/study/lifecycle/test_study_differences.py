"""The settings of two studies are compared."""

from dataclasses import replace
from pathlib import Path

from bloodnets.config import TrialConfig
from reports.ledger.ledger import Ledger
from reports.ledger.records import StudyRecord
from study.configs.study_config import make_planned_trial
from study.lifecycle.study_differences import list_differences
from tests.helpers.search_builder import SEARCH_RECORD, build_search


def changed(study: StudyRecord, **settings: object) -> StudyRecord:
    """The same plan, with other settings."""
    trials = []
    for planned in study.trials:
        config = TrialConfig.from_dict({**planned.config, **settings})
        trials.append(make_planned_trial(planned.configuration, config))
    return replace(study, trials=tuple(trials))


def test_list_differences_other_settings_are_described(ledger: Ledger, tmp_path: Path) -> None:
    study = ledger.study
    search = build_search(tmp_path / "search", search=replace(SEARCH_RECORD, n_trials=3)).study
    assert search.search is not None
    other = replace(study.data, name="other.npz", sha256="f" * 64)
    for begun, asked, words in (
        (study, study, []),
        (study, changed(study, max_epochs=7), ["max_epochs was 100, now 7"]),
        (
            study,
            replace(study, data=replace(study.data, dropped={"train": 1, "val": 0})),
            ["duplicates were kept, now dropped"],
        ),
        (study, changed(study, seed=5), ["the seeds were 0, now 5"]),
        (
            study,
            changed(study, folds=5, fold=0),
            ["the numbers of folds were none, now 5"],
        ),
        (
            changed(study, folds=5, fold=0),
            changed(study, folds=4, fold=0),
            ["the numbers of folds were 5, now 4"],
        ),
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
            changed(study, class_weights="balanced"),
            ["class_weights was none, now balanced"],
        ),
        (
            changed(study, class_weights="balanced"),
            study,
            ["class_weights was balanced, now none"],
        ),
        (
            study,
            changed(study, orientations=True),
            ["orientations was False, now True"],
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
        assert list_differences(begun, asked) == words
