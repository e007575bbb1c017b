"""A `.pt2` archive (torch.export), rebuilt as an ordinary network.

PyTorch's own loader is not used: it unpickles tensors without restriction, and hands texts of the archive to
`sympify`, which evaluates them as Python. The archive's graph is a JSON document and needs neither: it is
read here as data. Nothing pickled is opened, and symbolic expressions are not looked at.

- `document`: the JSON documents in the archive.
- `weights`: parameters, buffers and constants, each checked against the record that holds it.
- `arguments`, `operators`, `nodes`, `subgraphs`, `graph`: the steps of the graph, with operators from the
  list of those that are permitted.
- `frames`: which steps belong to which call of which module.
- `lowering`, `modules`: the tree of modules, and what each of them runs.
- `signature`: what goes in and comes out.
"""

from typing import BinaryIO

from torch import nn

from workers.uploads.archive.container import open_container
from workers.uploads.errors import InvalidUploadError, UploadError
from workers.uploads.exported.document import read_document
from workers.uploads.exported.lowering import build
from workers.uploads.torchscript.limits import RefusalError

__all__ = ["load_exported"]


def load_exported(file: BinaryIO) -> nn.Module:
    """The network in a `.pt2` archive, as a tree of modules with the names that it had when it was exported.

    Modules have `original_name`, the name of their class. They take hooks, and can be copied, moved, trained
    and replaced; loss and gradients are bit for bit those of the exported program. Its mode is that of the
    export: `train()` and `eval()` change nothing, and `training` says which it was, as far as the graph shows
    it.

    Raises InvalidUploadError if it is no such archive, is damaged or uses operators that are not supported,
    and UnsafeUploadError if it holds pickled objects, compiled code, or sizes that are not true. Called with
    inputs of a shape that it was not exported for, the network raises InvalidUploadError.
    """
    try:
        with open_container(file) as container:
            return build(read_document(container))
    except UploadError:
        raise
    except RefusalError as refusal:
        raise refusal.error(refusal.reason) from refusal
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError, OverflowError) as error:
        raise InvalidUploadError(
            f"the archive's description of the network is damaged: {error!r:.200}"
        ) from error
