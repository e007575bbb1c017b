"""Programs as networks: well-formed TorchScript whose forward pass, or whose loading, does harm."""

from collections.abc import Callable
from pathlib import Path

from service.contract.errors import ErrorCode
from tests.support.hostile.hostile import Hostile, Stage
from tests.support.hostile.writing import (
    DECLARATIONS,
    FORWARD,
    RESULT,
    network,
    running,
    text,
    torchscript,
)

UNSAFE, INVALID = ErrorCode.UNSAFE_CHECKPOINT, ErrorCode.MODEL_INVALID
_FACTORY = "layout=None, device=None, pin_memory=None"
_HUGE = 2**40
_DOUBLINGS = 48
_USED = "x = torch.add(x, torch.sum(y))"
"""What is not used is not even computed."""


def _forward(*lines: str, before: str = "") -> Callable[[Path], bytes]:
    """Of a network whose forward pass runs these lines; `{canary}` in them stands for the canary's path."""
    return lambda canary: running(*(line.replace("{canary}", str(canary)) for line in lines), before=before)


def _loop(*body: str, first: str = "y = x") -> Callable[[Path], bytes]:
    return _forward(first, "while True:", *(f"  {line}" for line in body))


def _doubling(first: str, step: str, *then: str) -> Callable[[Path], bytes]:
    return _forward(first, "for i in range(60):", f"  {step}", *then)


def _set_state(canary: Path) -> bytes:
    method = (
        "  def __setstate__(self: __torch__.Net,\n    state: Tensor) -> NoneType:\n"
        f'    torch.save(state, "{canary}")\n    return None\n'
    )
    return torchscript(DECLARATIONS + FORWARD + RESULT + method)


def _class_constant(canary: Path) -> bytes:
    constant = f'  stolen : Final[Tensor] = torch.from_file("{canary}", True, 4, dtype=6, {_FACTORY})\n'
    return torchscript(DECLARATIONS + constant + FORWARD + RESULT)


def _default_value(canary: Path) -> bytes:
    stolen = f'torch.from_file("{canary}", True, 4, dtype=6, {_FACTORY})'
    forward = FORWARD.replace("x: Tensor)", f"x: Tensor,\n    stolen: Tensor={stolen})")
    return torchscript(DECLARATIONS + forward + RESULT)


def _allocating_default(_canary: Path) -> bytes:
    forward = FORWARD.replace("x: Tensor)", "x: Tensor,\n    sizes: List[int]=[0] * 1099511627776)")
    return torchscript(DECLARATIONS + forward + RESULT)


def _call_doubling(_canary: Path) -> bytes:
    head = "def f{0}(x: Tensor) -> Tensor:\n"
    functions = head.format(0) + "  return torch.add(x, 1)\n"
    for level in range(1, _DOUBLINGS + 1):
        calls = f"  return torch.add(__torch__.f{level - 1}(x, ), __torch__.f{level - 1}(x, ))\n"
        functions += head.format(level) + calls
    return running(f"y = __torch__.f{_DOUBLINGS}(x, )", before=functions)


def _state_of_another_type(_canary: Path) -> bytes:
    return torchscript(data=network(weight=text("no tensor")))


def _program(
    name: str,
    tries: str,
    make: Callable[[Path], bytes],
    stopped_by: Stage,
    code: ErrorCode | None = UNSAFE,
    says: str = "",
) -> Hostile:
    return Hostile(name, tries, make, stopped_by, code, says)


_SAVE = "torch.save"
_SPIN = "def f(x: Tensor) -> Tensor:\n  while True:\n    x = torch.add(x, 1)\n  return x\n"
_RECURSIVE = "def f(x: Tensor) -> Tensor:\n  return __torch__.f(x, )\n"

FILES = (
    _program(
        "read-file",
        "read a file into the output",
        _forward(f'y = torch.from_file("{{canary}}", False, 4, dtype=6, {_FACTORY})'),
        "read",
        says="torch.from_file",
    ),
    _program(
        "overwrite-file",
        "map a file and write to it",
        _forward(
            f'y = torch.from_file("{{canary}}", True, 4, dtype=6, {_FACTORY})', "_0 = torch.fill_(y, 0)"
        ),
        "read",
        says="torch.from_file",
    ),
    _program("save-file", "write a file", _forward(f'{_SAVE}(x, "{{canary}}")'), "read", says="torch.save"),
    _program(
        "save-file-by-operator",
        "write a file, by the operator's full name",
        _forward('ops.aten.save(x, "{canary}")'),
        "read",
        says="ops.aten.save",
    ),
    _program(
        "read-file-for-debugging",
        "read a file by an operator for debugging",
        _forward('y = ops.debugprims.load_tensor("{canary}", [4], [1], dtype=6, device=torch.device("cpu"))'),
        "read",
        says="ops.debugprims",
    ),
    _program("run-at-load", "write a file while it is loaded", _set_state, "read", says="while it is loaded"),
    _program(
        "class-constant",
        "write a file while a class is declared",
        _class_constant,
        "read",
        says="torch.from_file",
    ),
    _program(
        "default-value",
        "write a file while a function is declared",
        _default_value,
        "read",
        says="torch.from_file",
    ),
)

NETWORK = (
    _program(
        "remote-call",
        "call a function on another machine",
        _forward('y = ops.rpc.rpc_async("worker", x)'),
        "read",
        says="ops.rpc",
    ),
    _program(
        "collective",
        "send tensors to other machines",
        _forward('y = ops._c10d_functional.all_reduce(x, "sum", "0")'),
        "read",
        says="ops._c10d_functional",
    ),
)

LOOPS = (
    _program(
        "endless-operator",
        "take hours in a single operator, which no budget of statements can count",
        _forward(
            f"y = torch.ones([4500, 4500], dtype=None, {_FACTORY})",
            "u, s, v = torch.linalg_svd(y, False)",
            "x = torch.add(x, torch.sum(s))",
        ),
        "limits",
        ErrorCode.TIMED_OUT,
        "seconds",
    ),
    _program("endless-loop", "never end", _loop("y = torch.add(y, 1)"), "rebuild"),
    _program(
        "print-flood", "print gigabytes", _loop('print("a line of output, again and again")'), "rebuild"
    ),
    _program(
        "dictionary-flood",
        "fill the memory with a dictionary",
        _loop("d[i] = x", "i = torch.add(i, 1)", first="d, i = annotate(Dict[int, Tensor], {}), 0"),
        "rebuild",
    ),
    _program("method-recursion", "recurse", _forward("y = (self).forward(x, )"), "rebuild", INVALID),
    _program(
        "function-recursion",
        "recurse",
        _forward("y = __torch__.f(x, )", before=_RECURSIVE),
        "rebuild",
        INVALID,
    ),
    _program("call-doubling", "call 2^48 functions", _call_doubling, "rebuild"),
    _program(
        "fork-bomb",
        "spin in other threads",
        _forward("x = torch.wait(fork(__torch__.f, x))", before=_SPIN),
        "rebuild",
    ),
)

MEMORY = (
    _program(
        "huge-zeros",
        "make a tensor of 2^40 elements",
        _forward(f"y = torch.zeros([{_HUGE}], dtype=None, {_FACTORY})", _USED),
        "rebuild",
    ),
    _program(
        "huge-repeat",
        "repeat a tensor 2^40 times",
        _forward("y = torch.repeat(x, [1048576, 1048576])", _USED),
        "rebuild",
    ),
    _program(
        "huge-arange",
        "count to 2^40",
        _forward(f"y = torch.arange({_HUGE}, dtype=None, {_FACTORY})", _USED),
        "rebuild",
    ),
    _program(
        "huge-resize",
        "resize a tensor to 2^40 elements",
        _forward(f"y = torch.resize_(x, [{_HUGE}])"),
        "rebuild",
        INVALID,
        "aten::resize_",
    ),
    _program(
        "list-doubling", "double a list 60 times", _doubling("l = [1, 2]", "l = torch.add(l, l)"), "rebuild"
    ),
    _program(
        "text-doubling", "double a text 60 times", _doubling('s = "ab"', "s = torch.add(s, s)"), "rebuild"
    ),
    _program(
        "format-doubling",
        "double a text by formatting",
        _doubling('s = "{}{}"', "s = torch.format(s, s, s)", "x = torch.add(x, torch.len(s))"),
        "nothing",
        None,
    ),
    _program(
        "huge-power",
        "make an integer of 10^9 digits",
        _forward("x = torch.add(x, torch.pow(10, 1000000000))"),
        "nothing",
        None,
    ),
    _program(
        "many-tensors",
        "keep one large tensor after the other",
        _forward(
            "l = annotate(List[Tensor], [])",
            "for i in range(100000):",
            f"  _0 = torch.append(l, torch.ones([4194304], dtype=None, {_FACTORY}))",
            "x = torch.add(x, torch.len(l))",
        ),
        "limits",
        ErrorCode.OUT_OF_MEMORY,
    ),
    _program(
        "huge-default",
        "fill the memory while a function is declared",
        _allocating_default,
        "read",
        says="while it is loaded",
    ),
)

CRASHES = (
    _program(
        "reinterpret-memory",
        "read far beyond a tensor",
        _forward("y = ops.inductor._reinterpret_tensor(x, [1000000000], [1], 0)"),
        "read",
        says="ops.inductor",
    ),
    _program(
        "unchecked-sparse",
        "make a sparse tensor with indices out of bounds",
        _forward(
            f"i = torch.full([1, 1], 1000000000, dtype=4, {_FACTORY})",
            "y = torch._sparse_coo_tensor_unsafe(i, torch.select(x, 0, 0), [1], dtype=None, layout=None, "
            "device=None, pin_memory=None)",
        ),
        "read",
        says="_sparse_coo_tensor_unsafe",
    ),
    _program(
        "set-storage",
        "let a tensor share another's memory",
        _forward("y = torch.set_(x, x)"),
        "read",
        says="torch.set_",
    ),
    _program(
        "set-storage-by-method", "the same, as a method", _forward("y = (x).set_(x)"), "rebuild", INVALID
    ),
    _program(
        "native-class",
        "make an object of a native class",
        _forward('y = __torch__.torch.classes.profiling._RecordFunction("x")'),
        "read",
        says="native class",
    ),
    _program(
        "strided-far",
        "view memory far beyond a tensor",
        _forward("y = torch.as_strided(x, [1000000000], [1], 0)", _USED),
        "rebuild",
        INVALID,
    ),
    _program(
        "index-far",
        "index far beyond a tensor",
        _forward("y = torch.select(x, 0, 1000000000)", _USED),
        "rebuild",
        INVALID,
    ),
    _program(
        "overflowing-remainder",
        "divide the smallest integer by −1, which stops the processor",
        _forward("y = torch.remainder(-9223372036854775808, -1)"),
        "nothing",
        None,
    ),
    _program(
        "saved-indices-far",
        "let the backward pass write far beyond a tensor, to where positions point that were changed unseen",
        _forward(
            "h = torch.unsqueeze(torch.unsqueeze(torch.linear(x, self.weight, None), 0), 0)",
            "pooled, positions = torch.max_pool2d_with_indices(h, [1, 1], [1, 1])",
            "_0 = torch.fill_((torch.unsafe_chunk(positions, 1))[0], 1000000000)",
            "_1 = torch.fill_((torch.unsafe_split(positions, 8))[0], 1000000000)",
            "x = torch.reshape(pooled, [-1, 4])",
        ),
        "nothing",
        None,
    ),
    _program(
        "saved-tokens-far",
        "the same, with the tokens that an embedding counts",
        _forward(
            f"tokens = torch.zeros([2, 4], dtype=4, {_FACTORY})",
            "rows = torch.embedding(self.weight, tokens, -1, True)",
            "_0 = torch.fill_((torch.unsafe_split_with_sizes(tokens, [2]))[0], 1000000000)",
            "x = torch.add(x, torch.sum(rows))",
        ),
        "nothing",
        None,
    ),
    _program(
        "tensor-of-another-type",
        "give a text where a tensor is due",
        _state_of_another_type,
        "rebuild",
        INVALID,
    ),
    _program(
        "raises",
        "end with an error of its own",
        _forward('ops.prim.RaiseException("an error of its own", "builtins.ValueError")'),
        "rebuild",
        INVALID,
    ),
)

PROGRAMS = (*FILES, *NETWORK, *LOOPS, *MEMORY, *CRASHES)
