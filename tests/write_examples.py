"""Write the examples of the OpenAPI document: answers of the service over the seed. Run by ``make examples``."""

import json
import tempfile
from typing import Any

from app.api.openapi import EXAMPLES
from app.resources import ALL
from tests.conftest import migrated, seeded, serving

ITEMS = {
    "regions": "310000",
    "indicators": "rental-subsidies",
    "observations": "thepaper-20240329-xuhui.llm-chain-companies",
    "designations": "thepaper-20240329-xuhui.ip-strong-city-pilot",
    "clusters": "xuhui-fintech",
    "zones": "mosu-space",
    "programmes": "xuhui-rental-subsidies",
    "organisations": "tencent",
    "projects": "xujiahui-itc",
    "relations": "thepaper-20240329-xuhui.tencent-member_of-xuhui-artificial-intelligence",
    "sources": "thepaper-20240329-xuhui",
    "revisions": "2",
}
"""Of each resource an item of which the answer is short."""
MOMENT = "2026-11-24T08:00:00Z"
"""Stands for the moment of publication, which differs from database to database."""


def examples(client: Any) -> dict[str, dict[str, Any]]:
    """The answers that the OpenAPI document shows, from the service itself."""
    found = {}
    for resource in ALL:
        item = client.get(f"/v1/{resource.name}/{ITEMS[resource.name]}").json()
        listed = client.get(f"/v1/{resource.name}", params={"limit": 1, "q": ITEMS[resource.name], "total": True}).json()
        found[resource.name] = {"list": _timeless(listed), "item": _timeless(item)}
    found["search"] = {"list": client.get("/v1/search", params={"q": "模速", "limit": 1}).json()}
    found["changes"] = {"list": _timeless(client.get("/v1/changes", params={"limit": 1}).json())}
    found["compare"] = {"list": client.get("/v1/compare?indicator=metro-density&region=310104,310000").json()}
    found["profile"] = {"item": client.get("/v1/regions/310000/profile").json()}
    return found


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: MOMENT if key == "published_at" else _timeless(member) for key, member in value.items()}
    return [_timeless(member) for member in value] if isinstance(value, list) else value


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, serving(seeded(migrated(f"sqlite:///{folder}/x.db"))) as service:
        EXAMPLES.write_text(json.dumps(examples(service), ensure_ascii=False, indent=1) + "\n")
