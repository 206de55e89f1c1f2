"""Verify a study whose files were changed."""

from pathlib import Path

import pytest

from reports.ledger.ledger import Ledger
from reports.verification.verify import DisagreementError, verify_study


def find_disagreement(folder: Path) -> DisagreementError:
    """Return the error with which the verification of a study ends."""
    with pytest.raises(DisagreementError) as caught:
        list(verify_study(Ledger(folder)))
    assert caught.value.exit_code == 1
    assert "\n" not in str(caught.value)
    return caught.value
