"""Describe the temperature of one model, for the terminal and the model card."""

from reports.analysis.temperature import Temperature, TemperatureState
from reports.format.units import format_count

_REASONS = {
    TemperatureState.FEW_IMAGES: "val has too few images",
    TemperatureState.NO_ERROR: "all images of val are classified correctly",
    TemperatureState.NO_COMMON_VAL: "the members of the vote held out different images as val",
    TemperatureState.OTHER_VIEWS: "the study evaluated val without orientations",
}


def describe_temperature(temperature: Temperature) -> str:
    """Return a sentence that says whether and how the probabilities are calibrated."""
    if reason := _REASONS.get(temperature.state):
        return f"Probabilities are not calibrated, because {reason}."
    images = format_count(temperature.n_images, "image")
    bound = "" if temperature.state is TemperatureState.FITTED else ", a bound"
    return (
        f"Probabilities are calibrated: temperature {temperature.value:.3g}{bound}, fitted on "
        f"{images} of val."
    )
