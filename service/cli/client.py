"""A small HTTP client of the service, for the command line."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import httpx

from service.cli.errors import CommandError

UPLOAD_TIMEOUT = httpx.Timeout(60.0, read=600.0)  # large files take a while to reach the disk
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Client:
    """Talks to one service. Problems come back as CommandError with the service's own words."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        # A proxy for the outside world must not swallow requests to this machine.
        through_proxy = urlsplit(self.url).hostname not in LOOPBACK
        self._http = httpx.Client(base_url=self.url, timeout=60.0, trust_env=through_proxy)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *exception: object) -> None:
        self._http.close()

    def submit(self, request: bytes) -> dict[str, Any]:
        """POST a job request; the job as the service accepted it."""
        return self._json("POST", "/v1/jobs", content=request, headers={"Content-Type": "application/json"})

    def upload(self, resource: str, content: Iterable[bytes], size: int) -> tuple[dict[str, Any], bool]:
        """POST a file of `size` bytes; the upload, and whether its content was known already."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        response = self._request(
            "POST", f"/v1/{resource}", content=content, headers=headers, timeout=UPLOAD_TIMEOUT
        )
        upload: dict[str, Any] = response.json()
        return upload, response.status_code == httpx.codes.OK

    def job(self, job_id: str, *, wait: float = 0.0) -> dict[str, Any]:
        """GET a job, waiting up to `wait` seconds for its end."""
        return self._json("GET", f"/v1/jobs/{job_id}", headers={"Prefer": f"wait={wait:g}"} if wait else {})

    def diagnosis(self, job_id: str) -> bytes:
        """GET the diagnosis of a final job, as the service sends it."""
        return self._request("GET", f"/v1/jobs/{job_id}/diagnosis").content

    def trace(self, job_id: str) -> bytes:
        """GET the measurements of a job that was diagnosed, as .npz."""
        return self._request("GET", f"/v1/jobs/{job_id}/trace").content

    def ready(self) -> bool:
        """Whether the service can take jobs."""
        try:
            return self._http.get("/health/ready", timeout=2.0).is_success
        except httpx.TransportError:
            return False

    def _json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        document: dict[str, Any] = self._request(method, path, **options).json()
        return document

    def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **options)
        except (httpx.TransportError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise CommandError(f"no service answers at {self.url} ({error}); start one: make run") from error
        if response.is_error:
            raise CommandError(describe_problem(response))
        return response


def describe_problem(response: httpx.Response) -> str:
    """A problem document as a person reads it."""
    try:
        problem = response.json()
    except ValueError:
        return f"HTTP {response.status_code} from {response.url}"
    lines = [f"{problem.get('title', 'refused')} (HTTP {response.status_code})"]
    for error in problem.get("errors") or ():
        place = error.get("pointer") or error.get("parameter") or "the whole request"
        lines.append(f"  {place}: {error['detail']}")
    if problem.get("detail") and len(lines) == 1:
        lines.append(f"  {problem['detail']}")
    return "\n".join(lines)
