"""A few rounds of the crash harness; `make crash` runs many."""

import crash
import pytest
from harness import paths


@pytest.mark.parametrize("seed", [1, 2])
def test_a_killed_server_has_what_it_acknowledged(tmp_path, seed):
    assert paths.OTLPLOAD.exists(), "run `make tools`"
    test = crash.run(tmp_path, rounds=2, seed=seed, longest=0.7)
    # A run in which nothing was acknowledged would have shown nothing.
    assert test.total > 0
