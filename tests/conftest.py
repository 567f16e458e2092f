"""What every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of measuring material beside the checkout; tests that need it skip without it.

    Where FOLKGRADE_REQUIRE_SHARED is set, its absence is a failure.
    """
    folder = Path(os.environ.get("FOLKGRADE_SHARED", ROOT.parent / "shared"))
    if not folder.is_dir():
        assert "FOLKGRADE_REQUIRE_SHARED" not in os.environ, f"{folder} is missing"
        pytest.skip("measuring material is not beside this checkout")
    return folder
