"""Serving a job's measurements: as the NumPy archive that was written, or as JSON."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from fastapi import Request
from fastapi.responses import FileResponse, StreamingResponse
from starlette.responses import Response

NPZ = "application/x-npz"
JSON = "application/json"
TraceSuffix = Literal[".npz", ".json.gz"]

_CHUNK = 2**18
_VARY = {"Vary": "Accept, Accept-Encoding"}


def wanted_suffix(request: Request) -> TraceSuffix:
    """JSON for those who ask for it by name, the archive for all others."""
    accepted = qualities(request.headers.get("accept", "*/*"))
    anything = accepted.get("*/*", 0.0)
    json_quality = accepted.get(JSON, 0.0)
    npz_quality = max(accepted.get(name, anything) for name in (NPZ, "application/octet-stream"))
    return ".json.gz" if json_quality > 0 and json_quality >= npz_quality else ".npz"


def trace_response(request: Request, job_id: str, path: Path, suffix: TraceSuffix) -> Response:
    """The file at `path`. The process only passes bytes on, and never opens the archive."""
    if suffix == ".npz":
        return FileResponse(path, media_type=NPZ, filename=f"{job_id}-trace.npz", headers=_VARY)
    if _takes_gzip(request):
        return FileResponse(path, media_type=JSON, headers={"Content-Encoding": "gzip", **_VARY})
    return StreamingResponse(_decompressed(path), media_type=JSON, headers=_VARY)


def qualities(header: str) -> dict[str, float]:
    """The members of an `Accept…` header with their weights (RFC 9110 §12.4.2)."""
    members = (member.split(";") for member in header.lower().split(","))
    return {name.strip(): _weight(parameters) for name, *parameters in members if name.strip()}


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _takes_gzip(request: Request) -> bool:
    accepted = qualities(request.headers.get("accept-encoding", ""))
    return accepted.get("gzip", accepted.get("*", 0.0)) > 0


def _decompressed(path: Path) -> Iterator[bytes]:
    """In pieces; Starlette draws them in a thread."""
    with gzip.open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
