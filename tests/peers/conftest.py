"""One office for all phones, whose media engine takes longer to start than most calls last; one server that
is watched, for all who watch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.peers.office import Office
from tests.peers.watched import Watched
from tests.peers.watched import watched as calls_watched


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    office = Office(tmp_path_factory.mktemp("office"))
    yield office
    office.close()


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with calls_watched(tmp_path_factory.mktemp("watched")) as seen:
        yield seen
