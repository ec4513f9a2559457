from __future__ import annotations

import pytest
from tenants_driver import Driver


@pytest.fixture
def cloud() -> Driver:
    """The default cloud, calm, on a frozen clock."""
    return Driver()
