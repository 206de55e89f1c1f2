"""Describe a model that predicts, for what is printed and for the metadata of an export."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bloodnets.constants import N_ORIENTATIONS
from reports.analysis.temperature import Temperature, TemperatureState
from reports.ledger.data_record import DataRecord
from reports.ledger.records import StudyRecord
from reports.ledger.serialization import from_json, to_json
from study.inference.vote_selection import Selection


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDescription:
    """Description of one model, or of a vote of several.

    Attributes:
        name: Name of the model, e.g. `cnn-config-1-s0`.
        reason: Reason for its selection, in words that can follow the name and a colon.
        study: Name of the study that trained it.
        fingerprint: Fingerprint of that study.
        trial_ids: Id of its trial; for a vote, those of its members.
        temperature: Temperature that calibrates its probabilities.
        orientations: Whether its predictions are means over the eight orientations of an image.
        data: Data that it was trained on.
    """

    name: str
    reason: str
    study: str
    fingerprint: str
    trial_ids: tuple[str, ...]
    temperature: Temperature
    orientations: bool
    data: DataRecord

    @classmethod
    def of_selection(cls, study: StudyRecord, selected: Selection) -> "ModelDescription":
        """Return the description of a study's model or vote."""
        return cls(
            name=selected.name,
            reason=selected.reason,
            study=study.name,
            fingerprint=study.fingerprint,
            trial_ids=tuple(member.record.id for member in selected.members),
            temperature=selected.temperature,
            orientations=selected.members[0].config.orientations,
            data=study.data,
        )

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], *, reason: str) -> "ModelDescription":
        """Return the description in the metadata of an exported model.

        Args:
            metadata: Result of `to_metadata`.
            reason: Reason for the selection, which is not in the metadata.
        """
        return cls(
            name=metadata["name"],
            reason=reason,
            study=metadata["study"],
            fingerprint=metadata["fingerprint"],
            trial_ids=tuple(metadata["trial"].split()),
            temperature=Temperature(
                float(metadata["temperature"]),
                TemperatureState(metadata["temperature_state"]),
                int(metadata["temperature_images"]),
            ),
            orientations="orientations" in metadata,
            data=from_json(DataRecord, metadata["data_record"].encode()),
        )

    def to_metadata(self) -> dict[str, str]:
        """Return the description as texts, without the path of the data.

        The key `orientations` is absent without them.
        """
        return {
            "name": self.name,
            "class_names": json.dumps(list(self.data.class_names)),
            "trial": " ".join(self.trial_ids),
            "temperature": f"{self.temperature.value:.9g}",
            "temperature_state": self.temperature.state,
            "temperature_images": str(self.temperature.n_images),
            **({"orientations": str(N_ORIENTATIONS)} if self.orientations else {}),
            "study": self.study,
            "fingerprint": self.fingerprint,
            "data": self.data.name,
            "data_sha256": self.data.sha256,
            "data_record": to_json(replace(self.data, path=None), indent=None).decode(),
        }
