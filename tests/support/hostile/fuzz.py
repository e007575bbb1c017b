"""Calls of operators with arguments that no network has: run in processes that may die of them."""

import faulthandler
import math
import os
import random
import resource
import signal
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from workers.uploads.exported.operators import DECOMPOSED, operation
from workers.uploads.torchscript.operators import resolve

Operators = list[tuple[str, Any, Callable[..., Any]]]

SIZES = (0, 1, 1, 2, 3, 4, 5, 7)
INTEGERS = (0, 1, 1, 2, 2, 3, 4, 5, -1, -1, -2, -3, 7, 16, 100, 2**31, -(2**31), 2**53, -(2**53), 2**40)
NUMBERS = (0.0, 1.0, 0.5, -1.0, 2.0, 1e-5, 1e30, math.nan, math.inf, 3.7)
TEXTS = (
    "none",
    "tanh",
    "sum",
    "mean",
    "amax",
    "prod",
    "ij",
    "constant",
    "reflect",
    "floor",
    "i,j->ij",
    "linear",
)
DTYPES = (
    *[torch.float32] * 6, *[torch.int64] * 3, torch.int32, torch.bool, torch.uint8, torch.float64,
    torch.float16, torch.bfloat16, torch.complex64,
)  # fmt: skip
MEMORY_FORMATS = (torch.contiguous_format, torch.channels_last, torch.channels_last_3d, torch.preserve_format)
CALL_SECONDS = 8
MEMORY_BYTES = 3 * 2**30


def operators() -> Operators:
    """All that an upload of either kind can run on tensors, with their schemas."""
    found: Operators = []
    for name in sorted(torch._C._dispatch_get_all_op_names()):
        namespace, _, rest = name.partition("::")
        if namespace != "aten":
            continue
        packet, _, overload = rest.partition(".")
        schema = getattr(getattr(torch.ops.aten, packet), overload or "default")._schema
        if packet in DECOMPOSED and not any(argument.is_out for argument in schema.arguments):
            exported = operation(f"torch.ops.aten.{packet}.{overload or 'default'}")
            assert exported is not None
            found.append((name, schema, exported.function))
        elif (resolved := resolve(f"aten::{packet}", str(schema))) is not None:
            found.append((name, schema, resolved.function))
    return found


def _kind(argument: Any) -> str:
    """The schema's name of an argument's type. Numbers of dtypes and the like are checked elsewhere."""
    real = str(argument.real_type)
    return (
        real if any(name in real for name in ("ScalarType", "Layout", "MemoryFormat")) else str(argument.type)
    )


class Caller:
    """One call, the same for each seed."""

    def __init__(self, seed: int, among: Operators) -> None:
        self._random = random.Random(seed)
        torch.manual_seed(seed)
        self.name, self._schema, self._function = self._random.choice(among)

    def run(self) -> None:
        """Forward, and half of the time backward. Raises what the operator raises."""
        arguments = []
        for argument in self._schema.arguments:
            if argument.kwarg_only or (argument.has_default_value() and self._random.random() < 0.4):
                break
            arguments.append(self._argument(_kind(argument)))
        result = self._function(*arguments)
        results = result if isinstance(result, list | tuple) else [result]
        outputs = [x for x in results if isinstance(x, Tensor) and x.requires_grad and x.numel()]
        if outputs and self._random.random() < 0.5:
            torch.autograd.backward(outputs, [torch.randn_like(output) for output in outputs])

    def _argument(self, kind: str) -> Any:
        pick = self._random
        if kind.startswith("Optional["):
            if pick.random() < 0.4:
                return None
            kind = kind[len("Optional[") : -1]
        if kind == "Tensor":
            return self._tensor()
        if kind.startswith("List["):
            return self._list(kind)
        simple: dict[str, tuple[Any, ...]] = {
            "ScalarType": DTYPES, "Layout": (torch.strided,), "MemoryFormat": MEMORY_FORMATS,
            "int": INTEGERS, "SymInt": INTEGERS, "float": NUMBERS, "bool": (True, False), "str": TEXTS,
            "number": (0, 1, -1, 2, 0.5, math.nan, 2**53, 1e30), "Scalar": (0, 1, -1, 2, 0.5, math.nan, 1e30),
        }  # fmt: skip
        return pick.choice(simple[kind]) if kind in simple else None

    def _list(self, kind: str) -> list[Any]:
        pick = self._random
        if kind.startswith("List[Tensor"):
            return [self._tensor() for _ in range(pick.choice([0, 1, 2, 3, 4]))]
        if kind.startswith("List[Optional"):
            return [pick.choice([None, self._tensor()]) for _ in range(pick.choice([1, 2, 3]))]
        if kind.startswith("List[float"):
            return [pick.choice([0.5, 1.0, 2.0, 0.0, 1e9]) for _ in range(pick.choice([1, 2, 3]))]
        if kind.startswith("List[bool"):
            return [pick.random() < 0.5] * 3
        return [
            pick.choice(INTEGERS if pick.random() < 0.3 else SIZES)
            for _ in range(pick.choice([1, 2, 3, 4, 6]))
        ]

    def _tensor(self) -> Tensor:
        pick = self._random
        shape = [pick.choice(SIZES) for _ in range(pick.choice([0, 1, 2, 2, 3, 3, 4, 4, 5]))]
        dtype = pick.choice(DTYPES)
        if not (dtype.is_floating_point or dtype.is_complex):
            lowest = 0 if dtype in (torch.uint8, torch.bool) else -2
            return torch.randint(lowest, 2 if dtype == torch.bool else pick.choice([2, 5, 10]), shape).to(
                dtype
            )
        values = torch.randn(shape).to(dtype)
        if pick.random() < 0.15 and values.numel():
            values.view(-1)[pick.randrange(values.numel())] = pick.choice([math.nan, math.inf, 1e30])
        if pick.random() < 0.2 and values.dim() >= 2:
            values = values.transpose(0, -1)
        return values.requires_grad_(pick.random() < 0.5)


def deaths(among: Operators, first_seed: int, calls: int) -> list[tuple[str, int]]:
    """The operators that ended their process, with the number of the signal, in this many calls. A call
    without end or beyond the limits of memory is none."""
    found, seed = [], first_seed
    while seed < first_seed + calls:
        last, status = _in_a_process(range(seed, first_seed + calls), among)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGALRM:
            found.append((f"{Caller(last, among).name} (seed {last})", os.WTERMSIG(status)))
        seed = last + 1
    return found


def _in_a_process(seeds: range, among: Operators) -> tuple[int, int]:
    """The last call that a process began, and how it ended."""
    read, write = os.pipe()
    process = os.fork()
    if process == 0:
        _call(seeds, among, write)
    os.close(write)
    with os.fdopen(read, "rb") as told:
        begun = told.read().split()
    _, status = os.waitpid(process, 0)
    return int(begun[-1]) if begun else seeds[0], status


def _call(seeds: range, among: Operators, write: int) -> None:
    faulthandler.disable()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    try:
        for seed in seeds:
            os.write(write, b"%d\n" % seed)
            signal.alarm(CALL_SECONDS)
            try:
                Caller(seed, among).run()
            except Exception:  # refused, by us or by PyTorch
                continue
    finally:
        os._exit(0)
