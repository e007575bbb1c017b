"""Changes worth trying, and what makes the difference between helping and not."""

from service.contract.conditions import citations as c
from service.contract.conditions.info import RemedyInfo
from service.contract.remedies import RemedyName

_ALL = (
    RemedyInfo(
        name="residual",
        title="Residual connections",
        description="Add each block's input to its output, so that the gradient has a path that no weight "
        "and no activation derivative multiplies. Scale the blocks (by 1/√depth, or from zero) in deep "
        "stacks: unscaled ReLU blocks let the gradient grow instead.",
        sources=(c.HE_2016,),
    ),
    RemedyInfo(
        name="relu",
        title="ReLU with He initialisation",
        description="Replace a saturating activation by ReLU and initialise with He's variance 2/fan-in. "
        "Without that initialisation a deep ReLU network loses its gradient as well.",
        sources=(c.HE_2015,),
    ),
    RemedyInfo(
        name="highway",
        title="Highway connections",
        description="Give each block a gate that mixes its output with its input, and start the gates' "
        "biases at -2, so that at first the input passes. It carried the gradient through 20 layers in our "
        "measurements, not through 50.",
        sources=(c.SRIVASTAVA_2015,),
    ),
    RemedyInfo(
        name="activation",
        title="Another activation function",
        description="Tanh with Xavier's, SELU with LeCun's or GELU with He's initialisation in place of a "
        "function whose derivative is small. The function and its initialisation belong together.",
        sources=(c.GLOROT_2010, c.KLAMBAUER_2017),
    ),
    RemedyInfo(
        name="tanh",
        title="Tanh with Xavier initialisation",
        description="Replace the sigmoid by tanh, whose derivative at 0 is 1, not 0.25, and initialise "
        "with Xavier's variance.",
        sources=(c.GLOROT_2010,),
    ),
    RemedyInfo(
        name="initialization",
        title="Variance-preserving initialisation",
        description="Initialise so that a layer's gain is 1: He for ReLU and its relatives, Xavier for "
        "tanh; for a sigmoid, unit variance with biases that centre its output, since Xavier or He alone "
        "do not help it.",
        sources=(c.GLOROT_2010, c.HE_2015, c.MISHKIN_2016),
    ),
    RemedyInfo(
        name="batch_norm",
        title="Batch normalisation",
        description="Normalise each layer's input over the batch. It cannot vanish; in very deep plain "
        "networks the gradient grows instead, so combine it with residual connections there.",
        sources=(c.IOFFE_2015, c.YANG_2019),
    ),
    RemedyInfo(
        name="layer_norm",
        title="Layer normalisation",
        description="Normalise each sample's features. It does not save a deep sigmoid network.",
        sources=(c.BA_2016,),
    ),
    RemedyInfo(
        name="layerwise_pretraining",
        title="Layer-wise pre-training",
        description="Train the layers one after another, each with a target, then all together. "
        "Supervised targets worked in our measurements, reconstruction alone did not.",
        sources=(c.BENGIO_2007,),
    ),
    RemedyInfo(
        name="lstm",
        title="LSTM or GRU with chrono initialisation",
        description="Use a gated cell and set its forget biases for the time span to be remembered "
        "(`forget_bias: chrono`). With the default bias a gated cell forgets as fast as a plain one.",
        sources=(c.HOCHREITER_1997, c.TALLEC_2018),
    ),
    RemedyInfo(
        name="gru",
        title="GRU with chrono initialisation",
        description="As `lstm`, with a cell that is a quarter smaller.",
        sources=(c.CHO_2014, c.TALLEC_2018),
    ),
    RemedyInfo(
        name="forget_bias",
        title="Forget biases for the time span",
        description="Keep the gated cell and set `forget_bias: chrono`: log of a random time span up to "
        "the sequence length.",
        sources=(c.TALLEC_2018,),
    ),
    RemedyInfo(
        name="orthogonal_recurrence",
        title="Orthogonal or identity recurrent weights",
        description="Initialise the recurrent matrix as orthogonal (tanh) or as the identity (ReLU), so "
        "that a time step neither shrinks nor stretches.",
        sources=(c.SAXE_2014, c.LE_2015),
    ),
    RemedyInfo(
        name="shorter_backpropagation",
        title="Truncated backpropagation through time",
        description="Pass the gradient back through fewer time steps (`truncate_time`). It bounds what the "
        "gradient can grow by and what a step costs; it brings nothing back that vanished, and what lies "
        "farther apart cannot be learned together.",
        sources=(c.WILLIAMS_1990,),
    ),
    RemedyInfo(
        name="gradient_clipping",
        title="Gradient clipping",
        description="Limit the norm of the whole gradient (`clip_grad_norm`, often 1). It bounds a step "
        "that is too large; it restores nothing that has vanished.",
        sources=(c.PASCANU_2013,),
    ),
    RemedyInfo(
        name="learning_rate",
        title="Another learning rate",
        description="Ten times smaller if training diverges; ten times larger if updates are tiny while "
        "gradients are healthy.",
        sources=(),
    ),
    RemedyInfo(
        name="check_data",
        title="Look at the data",
        description="Check that inputs and targets belong together, that inputs vary and are scaled, and "
        "that a simple model beats chance on them.",
        sources=(c.ZHANG_2017,),
    ),
    RemedyInfo(
        name="leaky_relu",
        title="A rectifier that does not die",
        description="Use leaky ReLU, GELU or SiLU, whose derivative is not zero for negative inputs; start "
        "with biases of 0, and with a smaller learning rate if the units died during training.",
        sources=(c.LU_2020,),
    ),
    RemedyInfo(
        name="cross_entropy",
        title="Cross-entropy instead of squared error",
        description="Train classes with cross-entropy on the logits: the derivative of the softmax cancels, "
        "and the whole error reaches the output. With squared error, start from small logits.",
        sources=(c.GLOROT_2010,),
    ),
    RemedyInfo(
        name="standardise_inputs",
        title="Standardised inputs",
        description="Subtract each input feature's mean and divide by its standard deviation, both from the "
        "training data.",
        sources=(c.LECUN_1998,),
    ),
    RemedyInfo(
        name="input_scaling",
        title="Inputs brought to one scale",
        description="`standardize: true`: subtract each input feature's mean and divide by its standard "
        "deviation, both from the training data.",
        sources=(c.LECUN_1998,),
    ),
    RemedyInfo(
        name="class_weights",
        title="Balanced classes",
        description="Weight the loss by the inverse class frequencies or sample the classes evenly, and "
        "judge by a metric that does not reward the majority class (balanced accuracy).",
        sources=(c.HE_2009,),
    ),
    RemedyInfo(
        name="regularisation",
        title="Regularisation or more data",
        description="More or augmented data, weight decay, dropout, a smaller network, or stopping when the "
        "held-out metric no longer improves.",
        sources=(c.SRIVASTAVA_2014,),
    ),
    RemedyInfo(
        name="loss_scaling",
        title="Loss scaling or bfloat16",
        description="Multiply the loss before the backward pass and divide the gradients after it "
        "(`loss_scaling: true`), or use bfloat16, which has the range of float32.",
        sources=(c.MICIKEVICIUS_2018,),
    ),
    RemedyInfo(
        name="bfloat16",
        title="bfloat16 instead of float16",
        description="It has fewer digits than float16, but the range of float32: nothing underflows.",
        sources=(c.MICIKEVICIUS_2018,),
    ),
    RemedyInfo(
        name="unfreeze",
        title="Train the frozen layers, too",
        description="`trainable: true` for all layers, if they were not frozen on purpose.",
        sources=(),
    ),
    RemedyInfo(
        name="check_graph",
        title="Look at the computation graph",
        description="Find where the path from the loss to the parameters is cut: a `detach`, a `no_grad`, a "
        "module that is built but not used, parameters that were not given to the optimizer.",
        sources=(),
    ),
    RemedyInfo(
        name="larger_batches",
        title="More work per step",
        description="Larger batches, batches prepared in the background, fewer and larger operations "
        "(fusion, compilation): what a step costs beside arithmetic is shared by more samples.",
        sources=(c.WILLIAMS_2009,),
    ),
    RemedyInfo(
        name="flush_denormals",
        title="Flush denormal numbers to zero",
        description="`torch.set_flush_denormal(True)` on a CPU: the numbers are too small to matter but "
        "take many cycles.",
        sources=(),
    ),
    RemedyInfo(
        name="more_steps", title="More steps", description="Train longer before concluding.", sources=()
    ),
)

REMEDIES = {remedy.name: remedy for remedy in _ALL}

TRIED_AS: dict[str, RemedyName] = {
    "forget_bias": "lstm",
    "leaky_relu": "activation",
    "standardise_inputs": "input_scaling",
    "tanh": "activation",
}
"""Those that are tried as a variant of another. What is neither here nor a `RemedyName` is for people to look
at."""
