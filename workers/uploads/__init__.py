"""Reading files that clients brought. Only a job's own, confined process does this; see docs/security.md.

- `archive`: what a TorchScript archive holds, read and checked without torch, and written anew.
- `torchscript`: the graph in such an archive, rebuilt as an ordinary network. Nothing of it is executed.
- `exported`: a `.pt2` archive.
- `arrays`: data sets.
"""
