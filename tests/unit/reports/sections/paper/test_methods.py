"""The paragraphs on the methods: what the study did, with its numbers and references."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bloodnets.config import TrialConfig
from bloodnets.data_shape import BLOODMNIST_SHAPE, DataShape
from bloodnets.medmnist_sets import parse_option
from bloodnets.models import build_model
from reports.analysis.bootstrap import N_RESAMPLES
from reports.analysis.epoch_limit import EpochLimit
from reports.format.limitations import describe_fold_variance
from reports.ledger.ledger import Ledger
from reports.ledger.states import DataKind
from reports.sections.findings import analyze
from reports.sections.paper.facts import PaperFacts, collect_facts
from reports.sections.paper.methods import format_citations, write_methods
from reports.sections.paper.references import SAMPLER_KEYS, load_references
from reports.sections.paper.training_answers import (
    describe_imbalance,
    describe_layers,
    describe_prediction,
)
from study.configs.presets import CONFIGURATIONS
from tests.helpers import grid_builder, search_builder
from tests.helpers.grid_builder import ASYMMETRIC
from tests.helpers.report_frames import ReportedStudy

ALWAYS = {"opitz2019", "paszke2019", "liaw2018"}
DATA = {"yang2023", "acevedo2020"}
CURVES = {"wilson1927", "woodruff1952", "zou2008"}
ONE_SEED = CURVES | {"efron1979", "delong1988", "guo2017", "cox1958"}
SEEDS = {"welch1947", "satterthwaite1946", "fawcett2006", "davis2006"}
PAIRS = {"holm1979", "mcnemar1947", "schuirmann1987"}
SEED_PAIRS = {"smyth2004"}
SEARCH = {"akiba2019", "li2020"}


def list_keys(facts: PaperFacts) -> set[str]:
    return {key for paragraph in write_methods(facts) for _, keys in paragraph for key in keys}


def join_text(facts: PaperFacts) -> str:
    return " ".join(map(format_citations, write_methods(facts)))


def build_weighted_grid(folder: Path, *names: str) -> Ledger:
    """Build a grid whose configuration `weighted` has class weights."""
    return grid_builder.build_grid(
        folder,
        {name: [ASYMMETRIC] for name in names},
        config_overrides={"weighted": {"class_weights": "balanced"}},
    )


def test_write_methods_of_a_grid_cites_what_it_used(reported_grid: ReportedStudy) -> None:
    facts = collect_facts(reported_grid.analysis)
    used = {"trindade", "kingma2015"}  # published settings, one of them with Adam
    assert list_keys(facts) == ALWAYS | DATA | ONE_SEED | SEEDS | PAIRS | SEED_PAIRS | used


def test_write_methods_of_a_grid_has_its_numbers(reported_grid: ReportedStudy) -> None:
    facts = collect_facts(reported_grid.analysis)
    text = join_text(facts)
    n_trials = sum(facts.states.values())
    for number in (
        f"{sum(facts.image_counts.values()):,} images",
        f"{len(facts.configs)} configurations",
        f"{n_trials} trials",
        f"{facts.test_evaluations} evaluations",
        f"{N_RESAMPLES:,} bootstrap",
        "4,179,568 parameters",
    ):
        assert number in text


def test_write_methods_of_medmnist_names_its_data_set_and_cites_medmnist_only(
    reported_medmnist: ReportedStudy,
) -> None:
    facts = collect_facts(reported_medmnist.analysis)
    assert "TissueMNIST, part of MedMNIST v2 (Yang et al. 2023)" in join_text(facts)
    assert list_keys(facts) & DATA == {"yang2023"}
    assert "blood" not in join_text(facts).lower()


def test_write_methods_of_grades_says_that_their_order_was_ignored(
    reported_medmnist: ReportedStudy,
) -> None:
    facts = collect_facts(reported_medmnist.analysis)
    study = facts.study
    grades = grid_builder.to_medmnist(study.data, parse_option("retinamnist"))
    assert "order was ignored" in join_text(replace(facts, study=replace(study, data=grades)))
    assert "order was ignored" not in join_text(facts)


def test_write_methods_of_synthetic_cells_with_one_seed_cites_no_data_and_no_replicate_variance(
    reported_synthetic: ReportedStudy,
) -> None:
    facts = collect_facts(reported_synthetic.analysis)
    keys = list_keys(facts)
    assert not keys & (DATA | SEEDS)
    assert keys >= ALWAYS | ONE_SEED
    assert "SYNTHETIC" in join_text(facts)


def test_write_methods_of_two_models_does_not_cite_moderated_variances(small_grid: Path) -> None:
    """Two variances are too few to moderate them."""
    assert not list_keys(collect_facts(analyze(Ledger(small_grid), None))) & SEED_PAIRS


def test_write_methods_of_models_with_one_complete_seed_each_names_what_was_done(
    tmp_path: Path,
) -> None:
    """Two seeds were planned, but no variance across seeds and no McNemar's test is possible."""
    ledger = grid_builder.build_grid(
        tmp_path / "grid",
        {"cnn-config-1": [ASYMMETRIC] * 2, "cnn-config-2": [ASYMMETRIC] * 2},
        missing_trials=[("cnn-config-1", 0), ("cnn-config-2", 1)],
    )
    facts = collect_facts(analyze(ledger, None))
    assert not list_keys(facts) & (SEEDS | SEED_PAIRS | {"mcnemar1947"})
    assert list_keys(facts) >= {"holm1979", "schuirmann1987"}
    assert "was planned to train" in join_text(facts)


def test_write_methods_has_the_learning_rates_and_the_epoch_limit(small_grid: Path) -> None:
    facts = collect_facts(analyze(Ledger(small_grid), None))
    limited = replace(facts, epoch_limit=EpochLimit(2, 4, (10,)))
    assert "2 of 4 complete trials" not in join_text(facts)
    assert "2 of 4 complete trials" in join_text(limited)
    for config in facts.configs.values():
        assert f"learning rate {config['learning_rate']:.2g}" in join_text(facts)


def test_write_methods_with_orientations_names_the_configurations(tmp_path: Path) -> None:
    def write(*names: str) -> tuple[str, str]:
        ledger = grid_builder.build_grid(
            tmp_path / "-".join(names),
            {name: [ASYMMETRIC] for name in names},
            config_overrides={"averaged": {"orientations": True}},
        )
        facts = collect_facts(analyze(ledger, None))
        return join_text(facts), describe_prediction(facts).text

    for text in write("cnn-config-1", "averaged"):
        assert "eight orientations of each image, for averaged" in text
    for text in write("averaged"):
        assert "eight orientations of each image." in text
    for text in write("cnn-config-1"):
        assert "eight orientations of each image" not in text


def test_write_methods_with_class_weights_names_the_configurations_and_cites(
    tmp_path: Path,
) -> None:
    weighted = build_weighted_grid(tmp_path / "grid", "cnn-config-1", "weighted")
    facts = collect_facts(analyze(weighted, None))
    assert "king2001" in list_keys(facts)
    assert "for weighted" in join_text(facts)
    assert "weighted" in describe_imbalance(facts).text
    only = collect_facts(analyze(build_weighted_grid(tmp_path / "only", "weighted"), None))
    assert "for weighted" not in join_text(only)
    assert "king2001" in list_keys(only)


def test_write_methods_of_an_unknown_file_cites_no_data(tmp_path: Path) -> None:
    ledger = grid_builder.build_grid(
        tmp_path / "grid", {"cnn-config-1": [ASYMMETRIC]}, kind=DataKind.FILE
    )
    facts = collect_facts(analyze(ledger, None))
    assert list_keys(facts) == ALWAYS | ONE_SEED | {"trindade"}
    assert facts.data.short in join_text(facts)


def test_write_methods_of_a_search_cites_optuna_sampler_and_asha(
    reported_search: ReportedStudy,
) -> None:
    keys = list_keys(collect_facts(reported_search.analysis))
    assert keys >= SEARCH | SEEDS | PAIRS | {SAMPLER_KEYS["tpe"], "hutter2014", "pedregosa2011"}
    assert not keys & {*SAMPLER_KEYS.values()} - {SAMPLER_KEYS["tpe"]}


@pytest.mark.parametrize("sampler", SAMPLER_KEYS)
def test_write_methods_of_an_unfinished_search_cites_its_sampler_only(
    sampler: str, tmp_path: Path
) -> None:
    record = search_builder.SEARCH_RECORD
    changes: dict[str, Any] = {"n_trials": 3, "sampler": sampler, "rungs": ()}
    search = replace(record, **changes)
    ledger = search_builder.build_search(tmp_path / "search", search=search, ended_by=None)
    keys = list_keys(collect_facts(analyze(ledger, None)))
    assert keys == ALWAYS | DATA | {"akiba2019", SAMPLER_KEYS[sampler]}


def test_format_citations_puts_short_forms_before_the_period(reported_grid: ReportedStudy) -> None:
    references = load_references()
    for paragraph in write_methods(collect_facts(reported_grid.analysis)):
        text = format_citations(paragraph)
        assert ".." not in text
        for _, keys in paragraph:
            assert not keys or f"({'; '.join(references[key].short for key in keys)})." in text


@pytest.mark.parametrize(
    "shape",
    [BLOODMNIST_SHAPE, DataShape(n_classes=5, channels=1, side=64)],
    ids=["bloodmnist", "gray"],
)
@pytest.mark.parametrize("family", ["mlnn", "cnn", "resnet"])
def test_describe_layers_names_those_of_the_network(family: str, shape: DataShape) -> None:
    """Each width that the text names is the size of a layer of the network."""
    configs: Mapping[str, TrialConfig] = CONFIGURATIONS
    config = next(config for config in configs.values() if config.family == family)
    sizes = {size for weights in build_model(config, shape).parameters() for size in weights.shape}
    words = describe_layers(family, shape).replace("-", " ").replace(",", "").split()
    named = {int(word) for word in words if word.isdigit()}
    assert named <= sizes | {2}  # 2 x 2 max-pooling has no weights


def test_write_methods_of_a_cross_validation_have_folds_and_their_variance(
    reported_folds: ReportedStudy, reported_grid: ReportedStudy
) -> None:
    text = join_text(collect_facts(reported_folds.analysis))
    assert "with the seed 0 on each of 3 folds of train and val, 6 trials in all" in text
    assert all(sentence in text for sentence in describe_fold_variance(3))
    assert "fold" not in join_text(collect_facts(reported_grid.analysis))
