"""Remedies: changes of a request that are applied, retrained and measured.

- `catalog/`: a file per remedy, request in, changed requests out. Pure: nothing is trained here.
- `selection`: which remedies a diagnosis speaks for.
- `trials/`: one way of training, measured over seeds and learning rates: the unit of work of a worker.
- `rounds`: which trials come next, and when it is enough.
- `conclusion`: what the trials show, and what is prescribed.
"""
