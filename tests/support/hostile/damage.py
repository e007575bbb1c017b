"""Any damage: bytes changed, left out and repeated."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

_PLACE = st.integers(min_value=0, max_value=2**31)


def damaged(content: bytes) -> SearchStrategy[bytes]:
    """This content with up to eight pieces of damage."""
    change = st.tuples(st.just("change"), _PLACE, st.integers(min_value=0, max_value=255))
    leave_out = st.tuples(st.just("leave out"), _PLACE, st.integers(min_value=1, max_value=40))
    repeat = st.tuples(st.just("repeat"), _PLACE, st.integers(min_value=1, max_value=40))
    edits = st.lists(st.one_of(change, change, leave_out, repeat), min_size=1, max_size=8)
    return edits.map(lambda chosen: _edited(content, chosen))


def _edited(content: bytes, edits: list[tuple[str, int, int]]) -> bytes:
    result = bytearray(content)
    for kind, place, number in edits:
        at = place % max(len(result), 1)
        if kind == "change":
            result[at : at + 1] = bytes([number])
        elif kind == "leave out":
            del result[at : at + number]
        else:
            result[at:at] = result[at : at + number]
    return bytes(result)
