"""Every measurement of the science is taken on one thread."""

from tests.support.torch_threads import one_thread

__all__ = ["one_thread"]
