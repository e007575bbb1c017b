"""An experiment that fails on an odd network costs its own result, never the run."""

import logging
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

logger = logging.getLogger(__name__)


def attempt(what: str, experiment: Callable[[], T], otherwise: T) -> T:
    """The experiment's result, or `otherwise` and a line in the log."""
    try:
        return experiment()
    except Exception as error:
        logger.warning("examination: %s does not work for this network: %s", what, error, exc_info=True)
        return otherwise
