"""Reading what a child says."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.contract.errors import ErrorCode
from service.contract.job import Progress
from workers.isolation.messages import Decoder, Failure, Message, ProtocolError, Report, encode

MESSAGES: list[Message] = [
    Report(progress=Progress(phase="training", step=1, steps=2, loss=0.5)),
    Failure(code=ErrorCode.INTERNAL, detail="", traceback="line 1\nline 2 with an umlaut: ü"),
    Report(progress=Progress(phase="diagnosing", step=2, steps=2)),
]


@given(st.lists(st.integers(min_value=0, max_value=600)))
def test_messages_arrive_whole_in_whatever_pieces_their_bytes_come(cuts: list[int]) -> None:
    data = b"".join(encode(message) for message in MESSAGES)
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    decoder = Decoder()
    pieces = [data[start:end] for start, end in itertools.pairwise(edges)]
    assert [message for piece in pieces for message in decoder.feed(piece)] == MESSAGES


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"null",
        b"\x80\x04N.",  # a pickle
        b'{"kind": "report"}',
        b'{"kind": "report", "progress": {"phase": "training", "step": -1, "steps": 2}}',
        b'{"kind": "report", "progress": {"phase": "training", "step": 1, "steps": 2, "loss": NaN}}',
        b'{"kind": "failure", "code": "worker_lost_not", "detail": ""}',
        b'{"kind": "failure", "code": "crashed", "detail": "", "retries": 3}',
        b'{"kind": "result", "diagnosis": {}}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_message_is_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        Decoder().feed(line + b"\n")


def test_a_line_that_never_ends_is_refused_before_it_fills_the_memory() -> None:
    decoder = Decoder(largest_line=1000)
    assert decoder.feed(b"x" * 1000) == []
    with pytest.raises(ProtocolError, match="more than 1000 bytes"):
        decoder.feed(b"x")
