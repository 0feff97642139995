"""Write the examples of the OpenAPI document: answers of the service over the seed. Run by ``make examples``."""

import json
import tempfile
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from app.api.answers import EXAMPLES
from app.api.openapi import address_of, operations, show
from app.resources import ALL
from tests.conftest import migrated, seeded, serving
from tests.parameter_examples import ITEMS, of_operation

SHORT = {
    "regions": "310000",
    "indicators": "rental-subsidies",
    "observations": "thepaper-20240329-xuhui.llm-chain-companies",
    "clusters": "xuhui-fintech",
}
"""Of these resources an item of which the answer is shorter than that of the example of its id."""
MOMENT = "2026-11-24T08:00:00Z"
"""Stands for the moment of publication, which differs from database to database."""


def examples(client: Any) -> dict[str, dict[str, Any]]:
    """The answers that the OpenAPI document shows, from the service itself."""
    found = {}
    for resource in ALL:
        short = SHORT.get(resource.name) or ITEMS[resource.singular]
        item = client.get(f"/v1/{resource.name}/{short}").json()
        listed = client.get(f"/v1/{resource.name}", params={"limit": 1, "q": short, "total": True}).json()
        found[resource.name] = {"list": _timeless(listed), "item": _timeless(item)}
    found["search"] = {"list": client.get("/v1/search", params={"q": "模速", "limit": 1}).json()}
    found["changes"] = {"list": _timeless(client.get("/v1/changes", params={"limit": 1}).json())}
    found["compare"] = {"list": client.get("/v1/compare?indicator=metro-density&region=310104,310000").json()}
    found["profile"] = {"item": client.get("/v1/regions/310000/profile").json()}
    etag = client.get(f"/v1/sources/{ITEMS['source']}", headers={"Accept-Encoding": "identity"}).headers["etag"]
    found["operations"] = {}
    for path, operation in operations(client.get("/openapi.json").json()):
        made = _of_operation(client, path, operation)
        if "Idempotency-Key" in str(operation.get("parameters")) or operation["operationId"] == "retract_source":
            made["parameters"]["If-Match"] = etag
        found["operations"][operation["operationId"]] = made
    return found


def _of_operation(client: Any, path: str, operation: dict[str, Any]) -> dict[str, Any]:
    """Examples of the parameters of an operation, and the problems that it can be made to answer with."""
    chosen = of_operation(operation)
    show(operation, chosen)
    names = {parameter["name"] for parameter in operation.get("parameters", ())}
    address = address_of(path, operation)
    needed = {parameter["name"] for parameter in operation.get("parameters", ()) if parameter.get("required")}
    query = {name: chosen[name] for name in needed if f"{{{name}}}" not in path and name in chosen}
    found: dict[str, Any] = {"parameters": chosen}
    if "security" in operation:
        return found
    if "cursor" in names:
        following = client.get(address, params={**query, "limit": 1}).json()["links"]["next"]
        chosen["cursor"] = parse_qs(urlsplit(following).query)["cursor"][0]
    for status, answer in operation["responses"].items():
        for media_type in answer.get("content", {}):
            asked = _provoking(status, address, query, names)
            if asked is None:
                continue
            made = client.get(asked, headers={"Accept": _accepted(status, media_type)})
            if str(made.status_code) == status and made.headers["content-type"] == media_type:
                found[f"{status} {media_type}"] = made.json() if "json" in media_type else made.text
    return found


def _provoking(status: str, address: str, query: dict[str, Any], names: set[str]) -> str | None:
    """The address of a request that is answered with this status, where there is one."""
    wrong = urlencode(query, safe=",") + "&" * bool(query)
    unknown = urlencode({"limt": 5} | ({"lang": "fr"} if "lang" in names else {}))
    nowhere = address.replace("OBSERVATIONS", "OTHERS").replace("CL_INDICATOR", "CL_OTHERS")
    return {
        "400": f"{address}?{wrong}what=else" if "/sdmx/" in address else f"{address}?{wrong}q=%FF",
        "404": nowhere if nowhere != address else _misspelt(address),
        "406": f"{address}?{wrong}".rstrip("?&"),
        "409": "/v1/compare?indicator=metro-density&region=310104,310101",
        "422": f"{address}?{wrong}{unknown}",
        "501": f"{address}?includeHistory=true",
    }.get(status)


def _misspelt(address: str) -> str:
    """The address with another id in it."""
    ending = next((each for each in ("/citation", "/document", "/profile") if address.endswith(each)), "")
    return f"{address.removesuffix(ending)}s{ending}"


def _accepted(status: str, media_type: str) -> str:
    """The header Accept by which an error is answered in a media type; with 406 nothing that is served."""
    if status == "406":
        return "image/png" if "xml" in media_type or "problem" in media_type else "application/vnd.sdmx.data+json;version=9.0.0"
    return "*/*" if "problem" in media_type else media_type


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: MOMENT if key == "published_at" else _timeless(member) for key, member in value.items()}
    return [_timeless(member) for member in value] if isinstance(value, list) else value


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, serving(seeded(migrated(f"sqlite:///{folder}/x.db"))) as service:
        EXAMPLES.write_text(json.dumps(examples(service), ensure_ascii=False, indent=1) + "\n")
