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
        name="first_update_ratio",
        unit="ratio",
        description="The same of the first step, median over layers.",
    ),
    Measure(
        name="first_jump",
        unit="ratio",
        description="Median training loss of steps 2 to 6 over that of the first, before any update.",
    ),
    Measure(
        name="path",
        unit="ratio",
        description="Steps made times the median update ratio, no less than the longest step: the weights' "
        "way, if all steps went one way.",
    ),
    Measure(
        name="decay",
        unit="log",
        description="Learning rate × weight decay × steps made, with momentum m over 1 - m: e-folds by which "
        "weight decay alone would shrink the weights.",
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
    Measure(
        name="saturation",
        unit="fraction",
        description="1 − mean derivative of the activation function / its largest derivative.",
    ),
    Measure(
        name="near_zero_weights",
        unit="fraction",
        description="Share of a layer's weights with |w| < 0.1 × the layer's standard deviation at "
        "initialisation. A normal distribution has 8 % of them.",
    ),
    Measure(
        name="near_zero_growth",
        unit="fraction",
        description="How much that share grew during the run.",
    ),
    Measure(
        name="loss_rebound",
        unit="ratio",
        description="The largest rise of the smoothed training loss above its own earlier minimum, in units "
        "of the first loss.",
    ),
    Measure(
        name="best_step_ratio",
        unit="log10",
        description="log10 of the step along the negative gradient that lowers the loss most (a line search "
        "on a copy) / the configured learning rate.",
    ),
    Measure(
        name="step_headroom",
        unit="log10",
        description="log10 of that best step / (learning rate / (1 - momentum)), what momentum's steps "
        "add up to.",
    ),
    Measure(
        name="line_search_gain",
        unit="fraction",
        description="Share of the loss that this best single step takes away.",
    ),
    Measure(
        name="overfit_ratio",
        unit="ratio",
        description="Loss at the end / at the start of 60 Adam steps on 32 samples, on a copy: "
        "near 0, the network can be trained; near 1, it cannot even learn 32 samples by heart.",
    ),
    Measure(
        name="error_level",
        unit="fraction",
        description="How wrong the outputs are: 0 perfect, about 1 like a uniform guess (classes: mean ‖p − "
        "y‖ / √(1 − 1/K); real targets: root mean squared error / their standard deviation).",
    ),
    Measure(
        name="error_reaching_output",
        unit="ratio",
        description="‖∂loss/∂output‖ / ‖p − y‖ per sample without the loss scale: the part of the error that "
        "enters the network at its output at all. 1: all of it.",
    ),
    Measure(
        name="relative_feature_rank",
        unit="ratio",
        description="Effective rank (participation ratio of the covariance eigenvalues) of the last layer's "
        "inputs / that of the network's inputs.",
    ),
    Measure(
        name="feature_correlation",
        unit="ratio",
        description="Mean correlation of two samples' last features: 1 when all samples look alike to the "
        "last layer.",
    ),
    Measure(
        name="output_variance_share",
        unit="fraction",
        description="Share of the output's variance that is between samples.",
    ),
    Measure(
        name="constant_features",
        unit="fraction",
        description="Share of the input features that have one value in all samples.",
    ),
    Measure(
        name="neighbour_score",
        unit="fraction",
        description="Cross-validated score of the 5 nearest neighbours on the raw inputs (classes: accuracy, "
        "real targets: R²): what the data tell without any network.",
    ),
    Measure(
        name="feature_scale_ratio",
        unit="log10",
        description="log10 of the largest standard deviation of an input feature / the median one.",
    ),
    Measure(
        name="input_scale",
        unit="log10",
        description="log10 of the root mean square of all inputs.",
    ),
    Measure(
        name="clipped_to",
        unit="ratio",
        description="clip_grad_norm / norm of all parameter gradients, at most 1, median over the steps.",
    ),
    Measure(
        name="input_mean_ratio",
        unit="ratio",
        description="|mean| / standard deviation over all inputs.",
    ),
    Measure(
        name="largest_class_share",
        unit="fraction",
        description="Share of the samples that are in the largest class.",
    ),
    Measure(
        name="largest_answer_share",
        unit="fraction",
        description="Share of the held-out samples that the network gives its most frequent answer.",
    ),
    Measure(
        name="generalisation_gap",
        unit="fraction",
        description="Skill on training data − skill on held-out data.",
    ),
    Measure(
        name="frozen_share",
        unit="fraction",
        description="Share of all parameters that are not trained.",
    ),
    Measure(
        name="disconnected_share",
        unit="fraction",
        description="Share of all parameters that are to be trained but that no gradient reaches (it is "
        "absent, not zero).",
    ),
    Measure(
        name="flushed_share",
        unit="fraction",
        description="Share of the gradient's entries that are zero in the run's number format but not in "
        "float32.",
    ),
    Measure(
        name="absorbed_share",
        unit="fraction",
        description="Share of the weights that an update leaves exactly as they were, because it is smaller "
        "than half the distance to the next number of the format.",
    ),
    Measure(
        name="weight_spread",
        unit="ratio",
        description="Standard deviation of a layer's weights / their root mean square at initialisation: 0 "
        "when all are equal.",
    ),
    Measure(
        name="forward_range",
        unit="log10",
        description="log10 of the largest / the smallest root mean square of the weight layers' outputs on "
        "the spine, at initialisation.",
    ),
    Measure(
        name="data_time_share",
        unit="fraction",
        description="Share of a step's time that is spent waiting for data.",
    ),
    Measure(
        name="compute_utilisation",
        unit="fraction",
        description="Floating-point operations per second in forward and backward pass / the most that a "
        "matrix product reaches on the same device in the same process.",
    ),
    Measure(
        name="denormal_share",
        unit="fraction",
        description="Share of the gradient's entries that are denormal: processors are slow on them.",
    ),
    Measure(
        name="training_seconds",
        unit="seconds",
        description="Time of all steps, measurements left out as far as possible.",
    ),
    Measure(name="steps", unit="count", description="Optimizer steps made."),
)

MEASURES = {measure.name: measure for measure in _ALL}
