"""Every quantity that evidence is given in."""

from service.contract.conditions.info import Measure

_ALL = (
    Measure(
        name="attenuation",
        unit="log10",
        description="log10 of ‖gradient at the first layer's output‖ / ‖gradient at the last layer's "
        "output‖, over the layers with trained parameters that every path passes through. Negative: the "
        "gradient shrinks on its way down. Averaging pools are left out of it: they divide a gradient "
        "among more entries without losing it.",
    ),
    Measure(
        name="attenuation_per_layer",
        unit="log10",
        description="Slope of log10‖gradient‖ over depth, by least squares: decades per layer.",
    ),
    Measure(
        name="log_linear_fit",
        unit="fraction",
        description="R² of that straight line: near 1, the loss is exponential in depth; low, it happens "
        "in few places.",
    ),
    Measure(
        name="backward_gain_per_layer",
        unit="ratio",
        description="Geometric mean of the factor by which one layer changes the gradient's norm.",
    ),
    Measure(
        name="gradient_norm_range",
        unit="log10",
        description="Largest minus smallest log10‖gradient‖ over those layers.",
    ),
    Measure(
        name="bottom_half_gradient_share",
        unit="fraction",
        description="Share of the squared norm of all parameter gradients that lies in the lower half of "
        "the layers: their share of the loss decrease that a small gradient step predicts. Independent of "
        "loss scale.",
    ),
    Measure(
        name="activation_derivative",
        unit="ratio",
        description="Mean derivative of the activation function at the values it gets.",
    ),
    Measure(
        name="time_gain",
        unit="log10",
        description="log10 of ‖∂loss/∂h at the first time step‖ / ‖∂loss/∂h at the last‖ of a recurrent "
        "layer.",
    ),
    Measure(
        name="time_gain_within",
        unit="log10",
        description="The same from the first to the last time step but one: without the jump at the last "
        "step, where the loss is attached directly.",
    ),
    Measure(
        name="gain_per_time_step",
        unit="ratio",
        description="Geometric mean of the factor by which one time step changes the gradient's norm.",
    ),
    Measure(
        name="held_out_accuracy", unit="fraction", description="Accuracy on held-out data after training."
    ),
    Measure(
        name="held_out_error",
        unit="mean_squared_error",
        description="Mean squared error on held-out data after training.",
    ),
    Measure(
        name="training_accuracy", unit="fraction", description="Accuracy on training data after training."
    ),
    Measure(
        name="training_error",
        unit="mean_squared_error",
        description="Mean squared error on training data after training.",
    ),
    Measure(
        name="skill",
        unit="fraction",
        description="How far the held-out metric went from chance (0) to perfect (1).",
    ),
    Measure(
        name="loss_ratio", unit="ratio", description="Training loss of the last steps / of the first steps."
    ),
    Measure(
        name="error_signal_ratio",
        unit="ratio",
        description="‖gradient at the network's output‖ in the last measured steps / in the first.",
    ),
    Measure(
        name="gradient_growth",
        unit="log10",
        description="log10 of the largest norm of all parameter gradients / that of the first step.",
    ),
    Measure(
        name="update_ratio",
        unit="ratio",
        description="‖change of a layer's parameters in a step‖ / ‖parameters‖, median over steps.",
    ),
    Measure(
        name="dead_units", unit="fraction", description="Share of units that were zero for every sample seen."
    ),
    Measure(name="non_finite_loss", unit="count", description="Steps whose loss was NaN or infinite."),
    Measure(
        name="non_finite_share",
        unit="fraction",
        description="Share of a tensor's entries that are NaN or infinite.",
    ),
    Measure(name="steps", unit="count", description="Optimizer steps made."),
)

MEASURES = {measure.name: measure for measure in _ALL}
