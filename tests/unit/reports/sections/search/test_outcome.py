"""The outcome of a search: which facts it has in each state of the search."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from reports.analysis.search_effort import compute_expected_best
from reports.analysis.search_trials import SearchAnalysis
from reports.ledger.records import StudyRecord
from reports.ledger.states import EndReason
from reports.sections.elements import Section
from reports.sections.search import outcome
from tests.helpers.report_frames import MINUS, make_pairs
from tests.helpers.search_builder import RESNET_SPACE, build_search
from tests.helpers.search_frames import SMALL_SEARCH_RECORD, make_confirmation, make_search_analysis

SEARCH = make_search_analysis()
PAIRS = make_pairs({("trial-3", "cnn-config-2"): 0.02})


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> StudyRecord:
    return build_search(tmp_path_factory.mktemp("outcome") / "s").study


def make_section(
    study: StudyRecord, *, pairs: pd.DataFrame = PAIRS, half_width: float = 0.01, **changes: Any
) -> Section:
    search: SearchAnalysis = replace(SEARCH, **changes)
    names = search.confirmed["configuration"]
    test_f1 = search.confirmed["test_macro_f1"]
    comparison = pd.DataFrame(
        {
            "configuration": names,
            "test_macro_f1_low": test_f1 - half_width,
            "test_macro_f1_high": test_f1 + half_width,
        }
    )
    trials = pd.DataFrame(
        [
            {"id": f"{name}-s{seed}-0123abcd", "configuration": name, "state": state}
            for name in names
            for seed, state in ((1, "failed"), (2, "complete"))
        ],
        columns=["id", "configuration", "state"],
    )
    return outcome.make_section(
        search=search,
        expected_best=compute_expected_best(search.trials["value"].dropna().to_numpy()),
        comparison=comparison,
        pairs=pairs,
        trials=trials,
        study=study,
        warnings=("a warning",),
    )


def read_facts(section: Section) -> Mapping[str, str]:
    return dict(section.facts)


def test_outcome_of_a_confirmed_search_has_configuration_scores_and_effort(
    study: StudyRecord,
) -> None:
    section = make_section(study)
    assert section.key == "summary"
    facts = read_facts(section)
    assert list(facts) == [
        *("Best configuration", "Macro F1 on test", "Macro F1 on val"),
        *("Trials", "Epochs", "Random search"),
    ]
    assert facts["Best configuration"].startswith("trial-3 (CNN, Adam, learning rate 0.004")
    assert "92.5 ± 0.4%" in facts["Macro F1 on test"]
    assert "[91.5, 93.5]" in facts["Macro F1 on test"]
    assert all(part in facts["Macro F1 on val"] for part in ("93.0 ± 0.3%", "94.0%"))
    assert facts["Trials"] == "6 of 6: 3 complete, 2 pruned, 1 diverged"
    # 4 + 4 + 1 + 4 + 1 + 2 epochs; 6 trials of 4 epochs at most.
    assert facts["Epochs"] == "16 of at most 24"


def test_outcome_decimals_follow_the_intervals_on_test(study: StudyRecord) -> None:
    facts = read_facts(make_section(study, half_width=0.002))
    assert "92.50 ± 0.40%" in facts["Macro F1 on test"]
    assert "94.00%" in facts["Macro F1 on val"]


def test_outcome_compares_with_the_best_baseline_on_test(study: StudyRecord) -> None:
    text = make_section(study).paragraphs[0]
    assert all(part in text for part in ("trial-3", "cnn-config-2", "90.5", "+2.0"))
    reversed_pairs = make_pairs({("cnn-config-2", "trial-3"): -0.02})
    assert make_section(study, pairs=reversed_pairs).paragraphs[0] == text
    assert MINUS not in text
    undecided = make_pairs({("trial-3", "cnn-config-2"): 0.02}, significant=False)
    assert make_section(study, pairs=undecided).paragraphs[0] != text
    without_pair = make_section(study, pairs=make_pairs({("x", "y"): 0.02})).paragraphs[0]
    assert "90.5" in without_pair
    assert "+2.0" not in without_pair
    alone = make_section(study, confirmed=SEARCH.confirmed.iloc[:1]).paragraphs[0]
    assert "cnn-config-2" not in alone


def test_outcome_best_is_the_highest_on_val_with_new_seeds(study: StudyRecord) -> None:
    confirmed = SEARCH.confirmed.assign(val_macro_f1=[0.91, 0.93])
    section = make_section(study, confirmed=confirmed)
    assert read_facts(section)["Best configuration"].startswith("cnn-config-2 (published")
    assert "trial-3" not in section.paragraphs[0]
    assert "+" not in section.paragraphs[0]


def test_outcome_of_one_seed_shows_no_spread(study: StudyRecord) -> None:
    confirmed = SEARCH.confirmed.assign(
        replicates=1, val_macro_f1_sd=np.nan, test_macro_f1_sd=np.nan
    )
    section = make_section(study, confirmed=confirmed)
    assert "±" not in section.paragraphs[0] + "".join(read_facts(section).values())


def test_outcome_command_re_trains_a_complete_trial(study: StudyRecord) -> None:
    (block,) = make_section(study).code_blocks
    assert block.text == f"bloodstudy replay {study.name} trial-3-s2"
    for arguments in (("--storage", "my runs"), ("--storage=my runs",)):
        stored = replace(study, command=(*study.command, *arguments, "--seed", "1"))
        (block,) = make_section(stored).code_blocks
        assert block.text.endswith("runs'")
        assert "--seed" not in block.text


@pytest.mark.parametrize(
    "changes",
    [
        {"confirmed": SEARCH.confirmed.iloc[:0]},
        {"confirmed": SEARCH.confirmed.assign(replicates=0)},
        # A baseline that finished first is not the winner.
        {"confirmed": SEARCH.confirmed.assign(replicates=[0, 2])},
        {"confirmed": SEARCH.confirmed.iloc[:0], "confirmation": None},
    ],
)
def test_outcome_without_confirmation_is_the_best_trial(
    study: StudyRecord, changes: Mapping[str, Any]
) -> None:
    section = make_section(study, **changes)
    facts = read_facts(section)
    assert "Macro F1 on test" not in facts
    assert facts["Best configuration"].startswith("trial-3 ")
    assert "94.00%" in facts["Macro F1 on val"]
    assert section.paragraphs[1:] == ("a warning",)
    assert section.code_blocks[0].text.endswith(" trial-3")


def test_outcome_reasons_for_no_confirmation_differ(study: StudyRecord) -> None:
    none = SEARCH.confirmed.iloc[:0]
    states = (
        {"confirmed": none},
        {"confirmed": SEARCH.confirmed.assign(replicates=0)},
        {"confirmed": none, "confirmation": None},
    )
    assert len({make_section(study, **state).paragraphs[0] for state in states}) == 3


def test_outcome_before_the_first_value_has_no_configuration(study: StudyRecord) -> None:
    trials = SEARCH.trials.assign(state="failed", value=np.nan)
    section = make_section(study, trials=trials, confirmed=SEARCH.confirmed.iloc[:0])
    assert read_facts(section) == {"Trials": "6 of 6: 6 failed", "Epochs": "16 of at most 24"}
    assert section.code_blocks == ()


@pytest.mark.parametrize("ended_by", EndReason)
def test_outcome_that_ended_early_names_the_option(study: StudyRecord, ended_by: EndReason) -> None:
    facts = read_facts(make_section(study, confirmation=make_confirmation(ended_by=ended_by)))
    option = f"--{ended_by.value.replace('_', '-')}"
    assert (option in facts["Trials"]) == (ended_by is not EndReason.TRIALS)


def test_outcome_random_search_has_as_many_epochs_in_full_trials(study: StudyRecord) -> None:
    # 16 epochs are 4 full trials; the best of 4 of the 5 values is expected.
    values = sorted([0.9, 0.92, 0.3, 0.94, 0.65])
    expected = (4 * values[-1] + values[-2]) / 5
    assert f"{100 * expected:.1f}%" in read_facts(make_section(study))["Random search"]
    in_full = SEARCH.trials.loc[[0, 1]]  # every trial in full: the expected best is the best
    assert "Random search" not in read_facts(make_section(study, trials=in_full))


def test_outcome_of_residual_networks_has_no_published_configuration(study: StudyRecord) -> None:
    record = replace(SMALL_SEARCH_RECORD, resnet=RESNET_SPACE)
    confirmed = SEARCH.confirmed.assign(val_macro_f1=[0.91, 0.93])
    section = make_section(study, record=record, confirmed=confirmed)
    assert "published" not in section.paragraphs[0] + read_facts(section)["Best configuration"]
