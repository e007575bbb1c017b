"""The publications that thresholds and explanations rest on, in full, so that a reader can find them."""

BENGIO_1994 = (
    "Bengio, Y., Simard, P. & Frasconi, P. (1994). Learning long-term dependencies with gradient descent "
    "is difficult. IEEE Transactions on Neural Networks 5(2), 157-166."
)
GLOROT_2010 = (
    "Glorot, X. & Bengio, Y. (2010). Understanding the difficulty of training deep feedforward neural "
    "networks. AISTATS 2010, PMLR 9, 249-256."
)
HANIN_2020 = (
    "Hanin, B. & Nica, M. (2020). Products of many large random matrices and gradients in deep neural "
    "networks. Communications in Mathematical Physics 376, 287-322."
)
HE_2015 = (
    "He, K., Zhang, X., Ren, S. & Sun, J. (2015). Delving deep into rectifiers: surpassing human-level "
    "performance on ImageNet classification. ICCV 2015, 1026-1034."
)
HE_2016 = (
    "He, K., Zhang, X., Ren, S. & Sun, J. (2016). Deep residual learning for image recognition. CVPR "
    "2016, 770-778."
)
HOCHREITER_1997 = (
    "Hochreiter, S. & Schmidhuber, J. (1997). Long short-term memory. Neural Computation 9(8), 1735-1780."
)
IOFFE_2015 = (
    "Ioffe, S. & Szegedy, C. (2015). Batch normalization: accelerating deep network training by reducing "
    "internal covariate shift. ICML 2015, PMLR 37, 448-456."
)
BA_2016 = "Ba, J. L., Kiros, J. R. & Hinton, G. E. (2016). Layer normalization. arXiv:1607.06450."
BENGIO_2007 = (
    "Bengio, Y., Lamblin, P., Popovici, D. & Larochelle, H. (2007). Greedy layer-wise training of deep "
    "networks. NeurIPS 19, 153-160."
)
LE_2015 = (
    "Le, Q. V., Jaitly, N. & Hinton, G. E. (2015). A simple way to initialize recurrent networks of "
    "rectified linear units. arXiv:1504.00941."
)
MISHKIN_2016 = "Mishkin, D. & Matas, J. (2016). All you need is a good init. ICLR 2016, arXiv:1511.06422."
PASCANU_2013 = (
    "Pascanu, R., Mikolov, T. & Bengio, Y. (2013). On the difficulty of training recurrent neural "
    "networks. ICML 2013, PMLR 28(3), 1310-1318."
)
SAXE_2014 = (
    "Saxe, A. M., McClelland, J. L. & Ganguli, S. (2014). Exact solutions to the nonlinear dynamics of "
    "learning in deep linear neural networks. ICLR 2014, arXiv:1312.6120."
)
SCHOENHOLZ_2017 = (
    "Schoenholz, S. S., Gilmer, J., Ganguli, S. & Sohl-Dickstein, J. (2017). Deep information "
    "propagation. ICLR 2017, arXiv:1611.01232."
)
TALLEC_2018 = (
    "Tallec, C. & Ollivier, Y. (2018). Can recurrent neural networks warp time? ICLR 2018, arXiv:1804.11188."
)
YANG_2019 = (
    "Yang, G., Pennington, J., Rao, V., Sohl-Dickstein, J. & Schoenholz, S. S. (2019). A mean field "
    "theory of batch normalization. ICLR 2019, arXiv:1902.08129."
)
ZHANG_2017 = (
    "Zhang, C., Bengio, S., Hardt, M., Recht, B. & Vinyals, O. (2017). Understanding deep learning "
    "requires rethinking generalization. ICLR 2017, arXiv:1611.03530."
)

OUR_GRID = (
    "Measured by this project: 1510 sets of training runs on scikit-learn's digits, depth 2 to 100 x 6 "
    "activations x 4 initialisations x 4 architectures, each at its best of three learning rates."
)
OUR_LOOK_ALIKES = "Measured by this project: 24 look-alike situations, 5 seeds each."
OUR_CHOICE = "A convention of this project; see the section on uncertainty."
