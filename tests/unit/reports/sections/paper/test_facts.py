"""Facts for a paper: counted from the ledger, for every kind and state of a study."""

import shutil
from pathlib import Path

from reports.ledger.ledger import Ledger
from reports.sections.findings import analyze
from reports.sections.paper.facts import FrequentConfusion, PaperFacts, collect_facts
from tests.helpers import grid_builder, search_builder
from tests.helpers.grid_builder import ASYMMETRIC
from tests.helpers.report_frames import ReportedStudy
from tests.helpers.small_studies import N_SMALL_IMAGES, get_trial_file, list_trial_ids


def collect(ledger: Ledger) -> PaperFacts:
    return collect_facts(analyze(ledger, None))


def test_collect_facts_of_a_grid_counts_images_trials_and_evaluations(small_grid: Path) -> None:
    facts = collect(Ledger(small_grid))
    assert facts.image_counts["test"] == N_SMALL_IMAGES
    assert [*facts.configs] == ["cnn-config-1", "mlnn-config-2"]
    assert facts.seeds == (0, 1)
    assert facts.states == {"complete": 4}
    assert (facts.test_evaluations, facts.repeatedly_tested) == (4, ())
    assert facts.parameters == {"cnn": (422_344,), "mlnn": (4_179_568,)}
    assert facts.n_pairs == 1
    assert facts.search is None


def test_collect_facts_chooses_by_val_and_reports_test(tmp_path: Path) -> None:
    """Val is half of test here, so each class with odd counts makes val differ from test."""
    poorer = grid_builder.worsen_matrix(ASYMMETRIC, n_moved=5)
    matrices = {"cnn-config-1": [poorer, poorer], "cnn-config-2": [ASYMMETRIC, ASYMMETRIC]}
    facts = collect(grid_builder.build_grid(tmp_path / "grid", matrices))
    chosen = facts.chosen
    assert chosen is not None
    assert (chosen.name, chosen.replicates) == ("cnn-config-2", 2)
    assert chosen.low < chosen.test_macro_f1 < chosen.high
    assert chosen.confusion == FrequentConfusion(true=0, predicted=1, n_predictions=80, n_true=200)


def test_collect_facts_of_an_unfinished_study_has_no_choice(tmp_path: Path) -> None:
    ledger = grid_builder.build_grid(
        tmp_path / "grid",
        {"cnn-config-1": [ASYMMETRIC]},
        missing_trials=[("cnn-config-1", 0)],
    )
    facts = collect(ledger)
    assert facts.chosen is None
    assert (facts.test_evaluations, facts.states) == (0, {"missing": 1})
    assert facts.parameters == {}


def test_collect_facts_of_a_damaged_study_names_the_trial(grid_copy: Path) -> None:
    damaged_id = list_trial_ids(grid_copy)[0]
    get_trial_file(grid_copy, damaged_id, "predictions").write_bytes(b"x")
    facts = collect(Ledger(grid_copy))
    assert [problem.trial_id for problem in facts.left_out] == [damaged_id]
    assert facts.states == {"complete": 3, "unreadable": 1}


def test_collect_facts_with_two_evaluations_of_a_trial_names_it(grid_copy: Path) -> None:
    trial_id = list_trial_ids(grid_copy)[0]
    Ledger(grid_copy).log.add_test_evaluation(trial_id, reason="predict")
    facts = collect(Ledger(grid_copy))
    assert facts.test_evaluations == 5
    assert facts.repeatedly_tested == (trial_id,)


def test_collect_facts_of_a_search_has_the_re_trained_configurations(
    reported_search: ReportedStudy,
) -> None:
    facts = collect_facts(reported_search.analysis)
    assert facts.search is not None
    assert len(facts.search.trials) == 14
    assert facts.seeds == (1, 2)
    assert [*facts.configs] == list(facts.search.confirmed["configuration"])


def test_collect_facts_of_a_running_search_has_no_configuration(tmp_path: Path) -> None:
    ledger = search_builder.build_search(tmp_path / "search", ended_by=None)
    facts = collect(ledger)
    assert (dict(facts.configs), facts.seeds, facts.chosen) == ({}, (), None)
    assert facts.has_importances
    shutil.rmtree(ledger.folder)
