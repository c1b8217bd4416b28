"""What GET /metrics says, as Prometheus's own parser reads it."""

from __future__ import annotations

import httpx2
from prometheus_client.parser import text_string_to_metric_families

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Scrape:
    """One answer: `scrape("turns_total", mode="chat", outcome="stop")` is a sample's value, 0 where there is none."""

    def __init__(self, text: str) -> None:
        families = list(text_string_to_metric_families(text))
        self.names = [family.name for family in families]
        self.samples: Samples = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in families
            for sample in family.samples
        }

    def __call__(self, name: str, /, **labels: str) -> float:
        return self.samples.get((f"mockbackend_{name}", tuple(sorted(labels.items()))), 0.0)

    def labels_of(self, name: str) -> list[dict[str, str]]:
        """The labels of each series of that name."""
        return [dict(labels) for found, labels in self.samples if found == f"mockbackend_{name}"]


async def scrape(client: httpx2.AsyncClient) -> Scrape:
    """The metrics as they are now."""
    response = await client.get("/metrics")
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return Scrape(response.text)
