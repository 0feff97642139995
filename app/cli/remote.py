"""A remote service over HTTP, which commands use with ``--url`` instead of the local database."""

import hashlib
import time
from typing import Any
from urllib.parse import quote

import httpx

from app.errors import DocumentFaulty, DocumentMalformed, Fault, Refusal
from app.publishing.parse import check

ATTEMPTS = 5
"""Attempts of one request."""
AGAIN = (409, 429, 503)
"""Statuses after which the request is repeated: it has the same key, so nothing happens twice."""
LONGEST_WAIT = 30.0
"""Seconds that a Retry-After is followed for at most."""
NOT_FOUND = 404

Receipt = dict[str, Any]


class RemoteService:
    """The service at ``url``, for the holder of ``token``. Failures raise Refusal, faults of a document DocumentFaulty."""

    def __init__(self, url: str, token: str | None) -> None:
        """Create the HTTP client, without connecting. Raises Refusal without a token."""
        if not token:
            raise Refusal("PUBLISH_TOKEN is not set; a service elsewhere needs a token")
        self._client = httpx.Client(base_url=url.rstrip("/"), headers={"Authorization": f"Bearer {token}"}, timeout=120)

    def publish(self, content: bytes) -> Receipt:
        """Publish a document over the current version of its source; return the receipt."""
        headers = {"Content-Type": "application/yaml", **self._seen(check(content, None).source.id)}
        identity = content + headers.get("If-Match", "").encode()
        headers["Idempotency-Key"] = hashlib.sha256(identity).hexdigest()
        receipt: Receipt = self._ask("POST", "/v1/publications", content=content, headers=headers)["data"]
        return receipt

    def rehearse(self, content: bytes) -> dict[str, Any]:
        """Return the changes that publishing would make; nothing is stored."""
        headers = {"Content-Type": "application/yaml", **self._seen(check(content, None).source.id)}
        return self._ask("POST", "/v1/publications", params={"dry_run": "true"}, content=content, headers=headers)

    def retract(self, source: str) -> Receipt:
        """Retract a source; return the receipt."""
        receipt: Receipt = self._ask("DELETE", f"/v1/sources/{quote(source, safe='')}")["data"]
        return receipt

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _seen(self, source: str) -> dict[str, str]:
        """Return If-Match for the current version of a source; nothing if there is none."""
        answer = self._send("GET", f"/v1/sources/{quote(source, safe='')}")
        return {} if answer.status_code == NOT_FOUND else {"If-Match": answer.headers["ETag"]}

    def _ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        answer = self._send(method, path, **request)
        try:
            body: dict[str, Any] = answer.json()
        except ValueError:
            raise Refusal(f"{self._client.base_url} answered {answer.status_code}, not as this service does") from None
        if answer.is_success:
            return body
        faults = [Fault(**fault) for fault in body.get("errors", ())]
        for problem in (DocumentFaulty, DocumentMalformed):
            if body.get("type") == f"/problems/{problem.slug}":
                raise problem(str(body["detail"]), faults)
        raise Refusal(f"{self._client.base_url} answered {answer.status_code}: {body.get('detail', body)}")

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Return the response; repeat on transport errors and temporary refusals."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = self._client.request(method, path, **request)
            except httpx.TransportError as error:
                if attempt == ATTEMPTS:
                    raise Refusal(f"{self._client.base_url} cannot be reached: {error}") from None
                time.sleep(0.2 * 2**attempt)
                continue
            if answer.status_code not in AGAIN or attempt == ATTEMPTS:
                return answer
            time.sleep(min(float(answer.headers.get("Retry-After", "1")), LONGEST_WAIT))
        raise AssertionError("the last attempt returns or raises")
