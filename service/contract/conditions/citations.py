"""The publications that thresholds and explanations rest on, in full, so that a reader can find them."""

BENGIO_1994 = (
    "Bengio, Y., Simard, P. & Frasconi, P. (1994). Learning long-term dependencies with gradient descent "
    "is difficult. IEEE Transactions on Neural Networks 5(2), 157-166."
)
GLOROT_2010 = (
    "Glorot, X. & Bengio, Y. (2010). Understanding the difficulty of training deep feedforward neural "
    "networks. AISTATS 2010, PMLR 9, 249-256."
)
GOODFELLOW_2016 = "Goodfellow, I., Bengio, Y. & Courville, A. (2016). Deep learning. MIT Press."
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

BENGIO_2012 = (
    "Bengio, Y. (2012). Practical recommendations for gradient-based training of deep architectures. "
    "arXiv:1206.5533."
)
COHEN_2021 = (
    "Cohen, J., Kaur, S., Li, Y., Kolter, J. Z. & Talwalkar, A. (2021). Gradient descent on neural networks "
    "typically occurs at the edge of stability. ICLR 2021, arXiv:2103.00065."
)
COVER_1967 = (
    "Cover, T. & Hart, P. (1967). Nearest neighbor pattern classification. IEEE Transactions on "
    "Information Theory 13(1), 21-27."
)
HAN_2015 = (
    "Han, S., Pool, J., Tran, J. & Dally, W. (2015). Learning both weights and connections for efficient "
    "neural networks. NeurIPS 28, arXiv:1506.02626."
)
HE_2009 = (
    "He, H. & Garcia, E. A. (2009). Learning from imbalanced data. IEEE Transactions on Knowledge and Data "
    "Engineering 21(9), 1263-1284."
)
KINGMA_2015 = (
    "Kingma, D. P. & Ba, J. (2015). Adam: a method for stochastic optimization. ICLR 2015, arXiv:1412.6980."
)
KROGH_1992 = (
    "Krogh, A. & Hertz, J. A. (1992). A simple weight decay can improve generalization. NeurIPS 4, 950-957."
)
LEWKOWYCZ_2020 = (
    "Lewkowycz, A., Bahri, Y., Dyer, E., Sohl-Dickstein, J. & Gur-Ari, G. (2020). The large learning rate "
    "phase of deep learning: the catapult mechanism. arXiv:2003.02218."
)
POLYAK_1964 = (
    "Polyak, B. T. (1964). Some methods of speeding up the convergence of iteration methods. USSR "
    "Computational Mathematics and Mathematical Physics 4(5), 1-17."
)
LECUN_1998 = (
    "LeCun, Y., Bottou, L., Orr, G. B. & Müller, K.-R. (1998). Efficient BackProp. In Neural Networks: "
    "Tricks of the Trade, LNCS 1524, 9-50."
)
LU_2020 = (
    "Lu, L., Shin, Y., Su, Y. & Karniadakis, G. E. (2020). Dying ReLU and initialization: theory and "
    "numerical examples. Communications in Computational Physics 28(5), 1671-1706."
)
MICIKEVICIUS_2018 = (
    "Micikevicius, P., Narang, S., Alben, J. et al. (2018). Mixed precision training. ICLR 2018, "
    "arXiv:1710.03740."
)
OJALA_2010 = (
    "Ojala, M. & Garriga, G. C. (2010). Permutation tests for studying classifier performance. JMLR 11, "
    "1833-1863."
)
SRIVASTAVA_2014 = (
    "Srivastava, N., Hinton, G., Krizhevsky, A., Sutskever, I. & Salakhutdinov, R. (2014). Dropout: a "
    "simple way to prevent neural networks from overfitting. JMLR 15, 1929-1958."
)
WILLIAMS_2009 = (
    "Williams, S., Waterman, A. & Patterson, D. (2009). Roofline: an insightful visual performance model "
    "for multicore architectures. Communications of the ACM 52(4), 65-76."
)

CHO_2014 = (
    "Cho, K. et al. (2014). Learning phrase representations using RNN encoder-decoder for statistical "
    "machine translation. EMNLP 2014, 1724-1734."
)
KLAMBAUER_2017 = (
    "Klambauer, G., Unterthiner, T., Mayr, A. & Hochreiter, S. (2017). Self-normalizing neural networks. "
    "NeurIPS 2017, arXiv:1706.02515."
)
SRIVASTAVA_2015 = (
    "Srivastava, R. K., Greff, K. & Schmidhuber, J. (2015). Training very deep networks. NeurIPS 2015, "
    "arXiv:1507.06228."
)
WILLIAMS_1990 = (
    "Williams, R. J. & Peng, J. (1990). An efficient gradient-based algorithm for on-line training of "
    "recurrent network trajectories. Neural Computation 2(4), 490-501."
)
OUR_GRID = (
    "Measured by this project: 1510 sets of training runs on scikit-learn's digits, depth 2 to 100 x 6 "
    "activations x 4 initialisations x 4 architectures, each at its best of three learning rates."
)
OUR_LOOK_ALIKES = "Measured by this project: 24 look-alike situations, 5 seeds each."
OUR_CHOICE = "A convention of this project; see the section on uncertainty."
