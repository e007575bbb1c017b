"""What the programs of one network share while they run."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from workers.uploads.torchscript.limits import MAX_STATEMENTS, unsafe


class Runtime:
    """The budget of statements, and the device on which a forward pass runs."""

    def __init__(self) -> None:
        self.remaining = MAX_STATEMENTS
        self.running = False
        self.device = torch.device("cpu")

    def spend(self, statements: int) -> None:
        """Take statements off the budget."""
        self.remaining -= statements
        if self.remaining < 0:
            raise unsafe(
                f"A forward pass takes more than {MAX_STATEMENTS:,} statements: a loop or recursion that "
                "does not end, or not soon enough."
            )

    @contextmanager
    def forward_pass(self, arguments: Sequence[Any]) -> Iterator[None]:
        """One call from outside. It starts with a full budget, on the device of its first tensor: an archive
        names the device on which it was made. Gradient recording is left as it was found."""
        self.device = next((a.device for a in arguments if isinstance(a, Tensor)), self.device)
        self.remaining = MAX_STATEMENTS
        self.running = True
        records_gradients = torch.is_grad_enabled()
        try:
            yield
        finally:
            self.running = False
            if torch.is_grad_enabled() != records_gradients:
                torch.set_grad_enabled(records_gradients)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Runtime":
        return self
