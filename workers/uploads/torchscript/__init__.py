"""A TorchScript archive, rebuilt as an ordinary network.

PyTorch parses the archive's code to a graph (`loading`); the graph becomes steps over frames of values
(`lowering`, `program`), with operators from tables of those that are permitted (`operators`); the modules
become a tree with the names that their author gave them (`tree`, `modules`). The TorchScript interpreter
never runs it, and nothing of it becomes Python source. What it may use up is in `limits`.
"""

from torch import nn

from workers.uploads.errors import InvalidUploadError, UnsafeUploadError
from workers.uploads.torchscript.limits import RefusalError
from workers.uploads.torchscript.loading import load
from workers.uploads.torchscript.modules import Operator, RebuiltModule
from workers.uploads.torchscript.tree import build

__all__ = ["Operator", "RebuiltModule", "rebuild"]


def rebuild(archive: bytes) -> nn.Module:
    """The network in a TorchScript archive (scripted, traced or frozen), as a tree of modules.

    Its modules have the names of the archive, take hooks, and can be copied, moved, trained and replaced.
    Loss and gradients are bit for bit those of TorchScript with its optimisation off.

    Args:
        archive: As `clean_torchscript` gives it, so that its container and pickles are harmless.

    Raises:
        InvalidUploadError: It cannot be read. Operators that are not supported are refused by the same error,
            in the forward pass that reaches them.
        UnsafeUploadError: It is too large or too deeply nested. What uses up its budget is refused by the
            same error when it runs.
    """
    try:
        return build(load(archive))
    except RefusalError as refusal:
        raise refusal.error(refusal.reason) from refusal
    except RecursionError as error:
        raise UnsafeUploadError("The archive's code or data is nested too deeply.") from error
    except (LookupError, TypeError, ValueError, AttributeError, AssertionError, RuntimeError) as error:
        raise InvalidUploadError(f"The archive's graph cannot be read: {str(error)[:300]}") from error
