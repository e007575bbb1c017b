"""Files made to do harm, as a table: what each tries, and how a job that uses it must end.

They are only written here. Do not load one: give it to a confined job.
"""

from tests.support.hostile.arrays import ARRAYS
from tests.support.hostile.exported import EXPORTED
from tests.support.hostile.hostile import Hostile, Stage
from tests.support.hostile.pickled import PICKLED
from tests.support.hostile.programs import PROGRAMS
from tests.support.hostile.sources import SOURCES
from tests.support.hostile.zips import ZIPS

__all__ = ["HOSTILE", "Hostile", "Stage"]

HOSTILE: tuple[Hostile, ...] = (*PROGRAMS, *SOURCES, *PICKLED, *ZIPS, *ARRAYS, *EXPORTED)
"""All of them."""
