"""Imported by the zygote: everything that a job would otherwise wait seconds for.

Nothing here may start a thread, run an autograd backward pass or a tensor operation that is large enough for
OpenMP: no child of the process could train after that.
"""

import sklearn.datasets  # noqa: F401 - which workers.data imports only when it is needed
import sympy  # noqa: F401 - which PyTorch imports when a shape is worked out without data
import torch

import workers.remedies.trials.run
import workers.run
from workers.diagnosis.trainability.trees import fitted

# The first optimizer ever constructed imports torch._dynamo, which takes 1.5 to 2 seconds.
for _optimizer in (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop):
    _optimizer([torch.nn.Parameter(torch.zeros(1))], lr=0.1)

fitted()  # the trees of the prediction: a quarter of a second

ENTRY = workers.run.run_child
