"""One office for all peers: its media engine takes longer to start than most calls last."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.peers.office import Office


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    office = Office(tmp_path_factory.mktemp("office"))
    yield office
    office.close()
