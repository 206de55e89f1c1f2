"""Labels of models that several configurations train."""

import pandas as pd
import pytest

from reports.format.model_labels import format_methods, format_model, format_vote, label_models


@pytest.mark.parametrize(
    ("name", "copies", "expected"),
    [
        ("cnn-config-2", {"cnn-config-2": ["cnn-config-4"]}, "cnn-config-2 = 4"),
        ("cnn-config-1", {"cnn-config-1": ["cnn-config-13"]}, "cnn-config-1 = 13"),
        ("a", {"a": ["b", "c"]}, "a = b = c"),
        ("adam-ce", {"adam-ce": ["adam-nll", "adamw-ce"]}, "adam-ce = nll = adamw-ce"),
        ("other", {"a": ["b"]}, "other"),
    ],
)
def test_format_model_names_the_copies_without_the_common_part(
    name: str, copies: dict[str, list[str]], expected: str
) -> None:
    assert format_model(name, copies) == expected


@pytest.mark.parametrize(
    ("configurations", "expected"),
    [
        (["c-1"], "c-1 = 3"),
        (["c-2", "c-1"], "2 best: c-2, c-1 = 3"),
        (["c-2", "c-1", "m"], "3 best: c-2, c-1 = 3, m"),
        (["c-2", "c-1", "m", "r"], "all 4 models"),
    ],
)
def test_format_vote_names_up_to_three_models(configurations: list[str], expected: str) -> None:
    assert format_vote(configurations, {"c-1": ["c-3"]}) == expected


def test_label_models_replaces_names_and_keeps_the_frame() -> None:
    frame = pd.DataFrame({"a": ["x-1", "y"], "b": ["y", "x-1"], "configuration": ["x-1", "y"]})
    labeled = label_models(frame, {"x-1": ["x-2"]}, ("a", "b"))
    assert labeled["a"].tolist() == ["x-1 = 2", "y"]
    assert labeled["b"].tolist() == ["y", "x-1 = 2"]
    assert labeled["configuration"].tolist() == frame["configuration"].tolist()
    assert frame["a"].tolist() == ["x-1", "y"]


def test_format_methods_of_copies_with_another_loss_names_none() -> None:
    comparison = pd.DataFrame(
        {
            "configuration": ["a-1", "a-2", "a-3"],
            "loss": ["cross_entropy", "nll", "cross_entropy"],
            "optimizer": ["adam", "adam", "sgd"],
        }
    )
    texts = format_methods(comparison, {"a-1": ["a-2"]})
    assert texts == ["either loss + Adam", "NLLLoss + Adam", "CrossEntropy + SGD"]
    assert format_methods(comparison, {"a-1": ["a-3"]})[0] == "CrossEntropy + Adam"
