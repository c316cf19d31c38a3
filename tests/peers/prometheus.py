"""A real Prometheus on the loopback, with a configuration out of docs/metrics.md: started, asked, stopped."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from tests.peers.process import Peer, free_port, listens_on_tcp, running
from tests.peers.promtool import ROOT, tool

DOCS = ROOT / "docs"
# Short, so that a test sees three scrapes in as many seconds; on the page it is 15 s.
INTERVAL_S = 1
TOKEN_FILE = "byourside-token"

Answer = dict[tuple[str, ...], float]
"""Values by the labels asked for, in the order asked."""


def documented() -> list[str]:
    """The configurations on the page: from elsewhere with the token, and on this machine."""
    return re.findall(r"```yaml\n(# prometheus\.yml\n.*?)```", (DOCS / "metrics.md").read_text(), re.DOTALL)


def configuration(here: str, elsewhere: str) -> str:
    """Both configurations of the page in one, with these addresses; http where the page has https."""
    by_token, local = documented()
    job = by_token.split("scrape_configs:\n")[1]
    job = job.replace("scheme: https", "scheme: http").replace("phone.example.com", elsewhere)
    job = job.replace("job_name: byourside", "job_name: elsewhere")
    job = job.replace("/etc/prometheus/byourside-token", TOKEN_FILE)
    local = local.replace("127.0.0.1:8080", here)
    text = f"{local}{job}".replace("scrape_interval: 15s", f"scrape_interval: {INTERVAL_S}s")
    return f"global:\n  evaluation_interval: {INTERVAL_S}s\n{text}"


@dataclass(frozen=True)
class Prometheus:
    """One that is up."""

    port: int
    peer: Peer

    def asked(self, path: str, **parameters: str) -> Any:
        """`data` of an answer of its HTTP API."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urlencode(parameters)}"
        with urlopen(url, timeout=10) as got:
            answer = json.load(got)
        assert answer["status"] == "success", answer
        return answer["data"]

    def vector(self, query: str, at: float | None = None) -> list[tuple[dict[str, str], float]]:
        """What a query gives, at an epoch second or now."""
        moment = {} if at is None else {"time": f"{at:.3f}"}
        found = self.asked("query", query=query, **moment)
        assert found["resultType"] == "vector", found
        return [(each["metric"], float(each["value"][1])) for each in found["result"]]

    def by(self, query: str, *labels: str, at: float | None = None) -> Answer:
        """The same by some of its labels."""
        return {
            tuple(metric.get(label, "") for label in labels): value
            for metric, value in self.vector(query, at)
        }


@contextlib.contextmanager
def scraping(folder: Path, here: str, elsewhere: str, token: str) -> Iterator[Prometheus]:
    """Prometheus scraping two addresses, the second one with a token, with our rules."""
    (folder / TOKEN_FILE).write_text(token)
    (folder / "byourside-alerts.yml").write_text((DOCS / "metrics-alerts.yml").read_text())
    (folder / "prometheus.yml").write_text(configuration(here, elsewhere))
    port = free_port()
    command = [tool("prometheus"), "--config.file=prometheus.yml", "--storage.tsdb.path=data"]
    # At virtual time nobody is late: whoever talks in real time goes first.
    manners = ["nice", "-n", "5", "env", "GOMAXPROCS=1"]
    listen = [f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
    with running([*manners, *command, *listen], folder) as peer:
        peer.wait_until(lambda: listens_on_tcp(port))
        yield Prometheus(port, peer)
