"""TorchScript archives, checked without torch.

torch reads an archive with native code that trusts it: it runs code while loading, reads beyond a record that
is smaller than it says, and dies of deep nesting. So all that torch will read is walked here first, and
handed on in an archive written anew: torch never sees the sender's bytes, except weights and what passed the
checks.

- `container`: the zip: names, sizes, overlaps, compression.
- `pickles`: the pickled objects, opcode by opcode; nothing is built.
- `source`: the text of the code: its size, nesting and what would run while it is loaded.
- `clean`: all of them, and the new archive.
"""

from workers.uploads.archive.clean import clean_torchscript

__all__ = ["clean_torchscript"]
