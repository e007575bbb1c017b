"""The JSON documents of a `.pt2` archive (torch/_export/serde/schema.py)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from workers.uploads.archive.container import Container
from workers.uploads.errors import InvalidUploadError, UnsafeUploadError
from workers.uploads.exported.weights import read_tensors

MAX_DOCUMENT_BYTES = 32 * 2**20
"""Most bytes of a document; a network of 1000 operators has about 3 MB, most of it stack traces."""
SCHEMA = 8
"""Major version of the schema that is read here; another one would mean something else."""
_GRAPHS = "models/"
_WEIGHTS = "data/weights/"
_CONSTANTS = "data/constants/"
_COMPILED = "data/aotinductor/"
_ADVICE = "save it with torch.export.save, PyTorch 2.8 or newer"


@dataclass(frozen=True)
class Document:
    """An exported program."""

    module: Mapping[str, Any]
    """Its graph module: graph, signature and calls of modules."""
    tensors: Mapping[str, Tensor]
    """Parameters, buffers and constants by name. Those that share all of their memory are the same object."""


def read_document(container: Container) -> Document:
    """Read the one program of an archive. Raises UploadError if there is none, or more that is not
    supported."""
    entries = {name.partition("/")[2]: name for name in container.names}
    if any(name.startswith(_COMPILED) for name in entries):
        raise UnsafeUploadError("the archive holds compiled code, which is never run; " + _ADVICE)
    graphs = [name for name in entries if name.startswith(_GRAPHS) and name.endswith(".json")]
    if "data.pkl" in entries and any(name.startswith("code/") for name in entries):
        raise InvalidUploadError(
            'this is a TorchScript archive: name it with "kind": "torchscript", or ' + _ADVICE
        )
    if "archive_format" not in entries or len(graphs) != 1:
        raise InvalidUploadError("this is no .pt2 archive with one exported program: " + _ADVICE)
    program = _json(container, entries[graphs[0]])
    if program["schema_version"]["major"] != SCHEMA:
        raise InvalidUploadError(f"the archive's schema has version {program['schema_version']}; " + _ADVICE)
    model = graphs[0].removeprefix(_GRAPHS).removesuffix(".json")
    tensors: dict[str, Tensor] = {}
    for folder, kind in ((_WEIGHTS, "weights"), (_CONSTANTS, "constants")):
        config = entries.get(f"{folder}{model}_{kind}_config.json")
        if config is None:
            raise InvalidUploadError(f"the archive does not describe its {kind}: " + _ADVICE)
        tensors |= read_tensors(container, entries, folder, _json(container, config)["config"])
    return Document(program["graph_module"], tensors)


def _json(container: Container, name: str) -> Any:
    return json.loads(container.read(name, MAX_DOCUMENT_BYTES))
