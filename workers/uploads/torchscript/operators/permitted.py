"""The tensor operators that an uploaded network may use. What is not listed is not run.

Left out on purpose: whatever reads or writes files (`from_file`, `save`), changes storages (`set_`,
`resize_`, `as_strided`), creates sparse, nested or quantized tensors, sizes its result by values in a tensor
(`bincount`, `histc`), trusts indices or sizes without a check (`max_unpool2d`, `embedding_bag`,
`native_batch_norm`, `take_along_dim`, packed sequences), hides from autograd that two tensors share their
memory (`unsafe_split`, which is composed instead), or touches the random state (`manual_seed`).
"""

from collections.abc import Iterable

POINTWISE = """
    abs absolute acos acosh add addcdiv addcmul asin asinh atan atan2 arctan2 atanh bitwise_and bitwise_not
    bitwise_or bitwise_xor ceil clamp clamp_max clamp_min clip copysign cos cosh deg2rad digamma div divide
    eq erf erfc erfinv exp exp2 expm1 fix float_power floor floor_divide fmod frac ge greater greater_equal gt
    heaviside hypot le lerp less less_equal lgamma log log10 log1p log2 logical_and logical_not logical_or
    logical_xor logit lt masked_fill mul multiply nan_to_num ne neg negative not_equal pow rad2deg reciprocal
    remainder round rsqrt sgn sign sin sinc sinh sqrt square sub subtract tan true_divide trunc xlogy zero
    tril triu fill renorm cumsum cumprod index_add index_copy index_fill index_put scatter scatter_add
    scatter_reduce masked_scatter squeeze unsqueeze transpose t swapaxes swapdims
"""
"""Each also in place."""

ACTIVATIONS = """
    celu dropout alpha_dropout feature_dropout feature_alpha_dropout elu hardsigmoid hardswish hardtanh
    leaky_relu mish relu relu6 rrelu selu sigmoid silu tanh threshold gelu
"""
"""Each also in place."""

RANDOM = "bernoulli normal uniform exponential log_normal geometric"
"""In place; `bernoulli` and `normal` also create."""

OTHER_ACTIVATIONS = """
    glu hardshrink log_sigmoid log_softmax prelu softmax softplus softshrink _softmax _log_softmax
    special_expit special_softmax special_log_softmax
"""

LAYERS = """
    linear bilinear conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d _convolution
    _convolution_mode convolution conv_tbc embedding batch_norm group_norm instance_norm layer_norm rms_norm
    lstm gru rnn_tanh rnn_relu lstm_cell
    gru_cell rnn_tanh_cell rnn_relu_cell scaled_dot_product_attention _scaled_dot_product_attention_math
    _weight_norm channel_shuffle pixel_shuffle pixel_unshuffle cosine_similarity pairwise_distance
"""

POOLING = """
    adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d
    adaptive_max_pool3d avg_pool1d avg_pool2d avg_pool3d max_pool1d max_pool2d max_pool3d
    max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices _adaptive_avg_pool2d
    _adaptive_avg_pool3d
"""

RESAMPLING = """
    upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d
    _upsample_nearest_exact2d _upsample_nearest_exact3d upsample_linear1d upsample_bilinear2d
    upsample_bicubic2d upsample_trilinear3d _upsample_bilinear2d_aa _upsample_bicubic2d_aa grid_sampler
    grid_sampler_2d grid_sampler_3d affine_grid_generator pad constant_pad_nd reflection_pad1d
    reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d replication_pad3d _pad_circular
    _pad_enum im2col col2im
"""

LINEAR_ALGEBRA = """
    addbmm addmm addmv addr baddbmm bmm chain_matmul dot einsum inner kron matmul mm mv outer ger tensordot
    vdot cdist cross linalg_cross linalg_norm linalg_vector_norm linalg_matrix_norm linalg_matmul
    linalg_vecdot linalg_multi_dot norm frobenius_norm _trilinear trace det linalg_det linalg_inv
    inverse matrix_exp
    linalg_solve linalg_cholesky linalg_qr linalg_eigh linalg_svd
"""

REDUCTIONS = """
    all amax amin aminmax any argmax argmin argsort count_nonzero cummax cummin diff logcumsumexp logsumexp
    max mean median min mode nanmean nansum nonzero prod sort std std_mean sum topk kthvalue msort var
    var_mean allclose equal isclose isfinite isinf isnan isneginf isposinf logaddexp logaddexp2
    maximum minimum fmax
    fmin rsub where sum_to_size dist unique_consecutive _unique2
"""

SHAPES = """
    adjoint alias atleast_1d atleast_2d atleast_3d broadcast_tensors broadcast_to cat chunk clone column_stack
    complex concat concatenate conj conj_physical contiguous detach diag diag_embed diagonal dstack expand
    expand_as flatten flip fliplr flipud gather hsplit hstack imag index index_select lift lift_fresh mH mT
    masked_select meshgrid moveaxis movedim narrow numpy_T matrix_H permute positive ravel real repeat
    repeat_interleave reshape reshape_as resolve_conj resolve_neg roll rot90 row_stack select select_scatter
    slice slice_scatter split split_with_sizes stack swapaxes swapdims take  tensor_split tile
    to type_as unbind unflatten unfold view view_as view_as_complex view_as_real vsplit vstack
    one_hot _shape_as_tensor _reshape_from_tensor _cast_Double _cast_Float _cast_Half _cast_Int _cast_Long
    block_diag is_nonzero is_same_size result_type
"""

CREATION = """
    arange empty empty_like eye full full_like hann_window hamming_window linspace logspace new_empty new_full
    new_ones new_zeros ones ones_like rand rand_like randint randint_like randn randn_like randperm
    scalar_tensor tril_indices triu_indices zeros zeros_like bernoulli normal multinomial
"""

SPECTRA = """
    fft_fft fft_fft2 fft_fftn fft_fftshift fft_ifft fft_ifft2 fft_ifftn fft_ifftshift fft_irfft fft_irfft2
    fft_irfftn fft_rfft fft_rfft2 fft_rfftn
"""

ONLY_IN_PLACE = "copy_ detach_ relu6_ rrelu_ logit_"


def _in_place(names: Iterable[str]) -> frozenset[str]:
    return frozenset(f"{name}_" for name in names)


PERMITTED: frozenset[str] = frozenset().union(
    *(
        group.split()
        for group in (
            POINTWISE, ACTIVATIONS, OTHER_ACTIVATIONS, LAYERS, POOLING, RESAMPLING, LINEAR_ALGEBRA,
            REDUCTIONS,             SHAPES, CREATION, SPECTRA, ONLY_IN_PLACE,
        )
    ),
    _in_place((POINTWISE + ACTIVATIONS + RANDOM).split()),
)  # fmt: skip
"""Names in the `aten` namespace, of every overload without `out=`, named dimensions or a generator."""


REFUSED_OVERLOADS = frozenset(
    {
        "aten::repeat_interleave.Tensor",
        "aten::repeat_interleave.self_Tensor",
        "aten::lstm.data",
        "aten::gru.data",
        "aten::rnn_tanh.data",
        "aten::rnn_relu.data",
    }
)
"""Overloads of permitted operators that size their result by values in a tensor, or trust such values."""


INTERPRETED_OVERLOADS = frozenset(
    f"aten::{overload}"
    for overload in [
        "index.Tensor_hacked_twin",
        "index_put.hacked_twin",
        "index_put_.hacked_twin",
        "mT.a",
        "mH.a",
        "matrix_H.a",
        "numpy_T.a",
        "split",
        "copy_.Tensor",
        "copy_.int",
        "copy_.float",
        "to.prim_Device",
        "to.prim_dtype",
        "to.prim_other",
    ]
)
"""Overloads on tensors that TorchScript adds to ATen's own. It adds others under the same names, on lists and
numbers and without checks; those are not permitted here."""


def is_permitted(operator: str) -> bool:
    """Whether an operator such as `aten::relu` or `aten::add.Tensor` may run on tensors."""
    namespace, _, name = operator.partition("::")
    return namespace == "aten" and operator not in REFUSED_OVERLOADS and name.split(".")[0] in PERMITTED
