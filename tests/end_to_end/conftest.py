"""What the tests from end to end share."""

from __future__ import annotations

from tests.training.conftest import migrated as migrated
