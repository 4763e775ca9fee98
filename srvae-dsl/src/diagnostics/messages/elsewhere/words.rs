//! The words of papers and other libraries, each with what stands for it.

use super::Here::{Name, Note};
use super::Rows;

/// Blocks.
pub(in super::super) const BLOCKS: &Rows = &[
    (
        &["batchnorm", "batchnormalization", "batchnormalisation", "bn", "syncbatchnorm"],
        Note(
            "its statistics would make a record's bound depend on the other records of the batch: use `group_norm` or `layer_norm`",
        ),
    ),
    (
        &["dropout", "alphadropout", "dropblock", "noise", "gaussiannoise", "randn", "randnlike"],
        Note(
            "randomness must come from a variable: omit it, or multiply with a `binary` latent that has factors in p and q",
        ),
    ),
    (&["convolution", "convolve", "cnn", "convnet"], Name("conv")),
    (&["deconv", "deconvolution", "transposedconv", "convtransposed", "upconv"], Name("conv_transpose")),
    (&["separableconv", "depthwise", "depthwiseconvolution"], Name("depthwise_conv")),
    (&["maskedconvolution", "causalconv", "causalconvolution", "pixelcnn"], Name("masked_conv")),
    (&["dense", "fc", "fullyconnected", "lin", "affinemap", "lazylinear"], Name("linear")),
    (&["multilayerperceptron", "feedforward", "ffn"], Name("mlp")),
    (&["layernormalization", "layernormalisation", "norm", "normalize", "normalise", "rmsnorm"], Name("layer_norm")),
    (&["groupnormalization", "groupnormalisation"], Name("group_norm")),
    (&["instancenorm", "instancenormalization"], Note("it is `group_norm` with as many groups as there are channels")),
    (&["rectifier", "relu6", "rectifiedlinear"], Name("relu")),
    (&["leaky", "lrelu", "prelu", "rrelu"], Name("leaky_relu")),
    (&["swish", "mish", "hardswish"], Name("silu")),
    (&["selu", "celu"], Name("elu")),
    (&["expit", "hardsigmoid"], Name("sigmoid")),
    (&["hardtanh"], Name("tanh")),
    (&["ln", "logarithm"], Name("log")),
    (&["inversesigmoid"], Name("logit")),
    (&["expm1"], Note("it is `exp(a) - 1`")),
    (
        &["stopgradient", "stopgrad", "sg", "detach", "nograd"],
        Note("omit it: every term of the bound has its whole gradient; only what a baseline of `score` reads has none"),
    ),
    (&["logsoftmax"], Note("a `categorical` reads logits and normalises them; elsewhere it is `a |> softmax |> log`")),
    (&["logsigmoid"], Note("a `bernoulli` reads logits; elsewhere it is `a |> sigmoid |> log`")),
    (
        &["logsumexp", "crossentropy", "nllloss"],
        Note(
            "distributions compute it where they need it: `categorical` reads logits, and `normal_mixture` and `logistic_mixture` are mixtures",
        ),
    ),
    (
        &["transpose", "transposed"],
        Note("a vector on the left of `matmul` is a row: `matmul(x, w)` of [3] and [3, 2] is a vector of 2"),
    ),
    (&["square", "pow", "power"], Note("a square is the product `a * a`")),
    (&["clamp", "clip"], Note("limit a value with `tanh`, `sigmoid` or `softplus`, whose gradient does not end")),
    (&["maxpooling", "adaptivemaxpool"], Name("max_pool")),
    (&["averagepool", "averagepooling", "meanpool"], Name("avg_pool")),
    (&["adaptiveavgpool", "globalavgpool", "globalaveragepool", "globalaveragepooling", "gap"], Name("global_pool")),
    (&["upsampling", "upscale", "bilinear", "upsamplingbilinear"], Name("upsample")),
    (&["nearest", "upsamplingnearest"], Name("resize")),
    (&["interpolate"], Note("`upsample(2)` interpolates bilinearly, `resize(16)` uses the nearest pixels")),
    (
        &["pixelshuffle", "depthtospace"],
        Note("`conv_transpose` doubles height and width; `upsample` and `resize` do so without parameters"),
    ),
    (&["multiheadattention", "selfattention", "mha", "scaleddotproductattention"], Name("attention")),
    (
        &["transformer", "transformerencoder"],
        Note(
            "its parts are blocks of their own: `h + (h |> layer_norm |> attention(heads: 4))`, then a sum with a network of `conv(kernel: 1)`",
        ),
    ),
    (&["resnet", "resblock", "resnetblock", "residualblock", "resunit"], Name("residual")),
    (&["embed", "embeddings", "lookup"], Name("embedding")),
    (&["onehot"], Note("a label is one-hot already")),
    (&["rnn", "birnn"], Note("a recurrence is a `let` over an index: `let h[t] = gru(h[t - 1], x[t])`")),
    (&["view", "unflatten"], Name("reshape")),
    (&["ravel"], Name("flatten")),
    (&["cat", "concatenate", "hstack", "join"], Name("concat")),
    (&["chunk", "slice", "narrow"], Name("channels")),
    (&["broadcast", "broadcastto", "expand", "repeat", "tile", "unsqueeze"], Name("spread")),
    (&["sequential"], Note("stages follow one another after pipes: `x |> linear(out: 64) |> elu |> linear`")),
    (&["identity"], Note("omit it")),
    (&["mean"], Note("of a vector v of n numbers it is `sum(v) / n`, of a map `global_pool`")),
    (&["reducesum"], Name("sum")),
    (&["mm", "bmm", "einsum"], Name("matmul")),
    (
        &["dot", "inner"],
        Note("the product of two vectors is `sum(a * b)`, that of a matrix and a vector `matmul(a, b)`"),
    ),
];

/// Distributions and functions.
pub(in super::super) const DISTRIBUTIONS: &Rows = &[
    (
        &["gaussian", "gauss", "norm", "diagonalgaussian", "diagonalnormal", "diaggaussian", "diagnormal"],
        Name("normal"),
    ),
    (&["standardgaussian", "stdnormal", "unitnormal", "unitgaussian"], Name("standard_normal")),
    (&["mvn", "multivariategaussian", "fullnormal", "fullcovariancenormal"], Name("multivariate_normal")),
    (&["lowrankmvn", "lowrankmultivariatenormal", "lowrankgaussian"], Name("low_rank_normal")),
    (&["cat", "multinoulli", "discrete", "onehotcategorical"], Name("categorical")),
    (&["ber", "bern", "independentbernoulli"], Name("bernoulli")),
    (&["expon"], Name("exponential")),
    (&["pois"], Name("poisson")),
    (&["nb", "negbin", "negbinomial"], Name("negative_binomial")),
    (&["zinb"], Name("zero_inflated_negative_binomial")),
    (&["zip"], Name("zero_inflated_poisson")),
    (&["student", "t", "tdistribution"], Name("student_t")),
    (&["cauchy"], Note("it is a `student_t` of one degree of freedom: `student_t(df: 1, mean: …, scale: …)`")),
    (&["doubleexponential"], Name("laplace")),
    (
        &["multinomial", "dirichletmultinomial"],
        Note(
            "counts given their total n are `poisson(rate: spread(n, 5) * (z |> linear(out: 5) |> softmax))` for five counts and `given n: positive[1]`: this differs from the multinomial by a number without parameters",
        ),
    ),
    (
        &["betabinomial"],
        Note("it is `binomial(trials: n, probs: u)` with a latent `u: unit[…]` and `p(u) = beta(alpha: a, beta: b)`"),
    ),
    (
        &["hurdle", "hurdlepoisson", "zeroaltered", "zeroalteredpoisson"],
        Note("extra zeros are `poisson |> zero_inflated` or `negative_binomial |> zero_inflated`"),
    ),
    (&["ordered", "orderedlogistic", "orderedprobit", "cumulative", "cumulativelogit"], Name("ordinal")),
    (
        &[
            "halfnormal",
            "halfcauchy",
            "halft",
            "halfstudentt",
            "truncatednormal",
            "inversegamma",
            "invgamma",
            "pareto",
            "loglogistic",
        ],
        Note("positive numbers are `gamma`, `weibull`, `exponential` or `normal |> exp` (log-normal)"),
    ),
    (
        &["vonmises", "vmf", "powerspherical"],
        Note("a direction is a variable of the space `sphere`, and its density `von_mises_fisher`"),
    ),
    (&["sphericaluniform", "hypersphericaluniform"], Name("uniform_on_sphere")),
    (&["gmm", "mog", "gaussianmixture", "mixtureofgaussians", "mixturesamefamily"], Name("mixture_of_normals")),
    (&["mdn", "mixturedensity"], Name("normal_mixture")),
    (
        &["dmol", "mol", "mixtureoflogistics", "discretizedmixlogistic", "discretizedlogisticmixture", "pixelcnnpp"],
        Name("logistic_mixture"),
    ),
    (&["discretizedlogistic", "quantizedlogistic"], Name("discretised_logistic")),
    (&["discretizednormal", "discretizedgaussian", "discretisedgaussian"], Name("discretised_normal")),
    (&["lognormal"], Note("it is `normal |> exp`, for a `positive` variable")),
    (&["logitnormal", "logisticnormal"], Note("it is `normal |> sigmoid`, for a `unit` variable")),
    (
        &["gumbelsoftmax", "concrete", "relaxedcategorical", "relaxedonehotcategorical", "relaxedbernoulli"],
        Note("use `categorical` or `bernoulli`, with `draw y = relaxed(temperature: 0.5)` for a variable y"),
    ),
    (&["vq", "vectorquantizer", "vectorquantizerema", "quantize"], Name("quantise")),
    (&["mse", "mseloss", "l2"], Note("squared errors belong to a normal of fixed width, `normal(std: 1) from …`")),
    (
        &["l1", "l1loss", "mae"],
        Note("absolute errors belong to a Laplace variable of fixed scale, `laplace(scale: 1) from …`"),
    ),
    (&["bce", "bceloss", "bcewithlogitsloss", "binarycrossentropy"], Name("bernoulli")),
    (&["crossentropy", "crossentropyloss", "nllloss"], Name("categorical")),
    (&["gray", "grey", "greyscale", "rgbtogray", "rgb2gray", "rgbtograyscale"], Name("grayscale")),
    (&["class", "target"], Name("label")),
    (&["edges"], Name("sketch")),
    (&["fft", "rfft"], Name("fourier")),
];

/// Flows.
pub(in super::super) const FLOWS: &Rows = &[
    (
        &["glow"],
        Note("a step of Glow is `actnorm |> invertible_conv |> affine_coupling`; name it with `flow step = …`"),
    ),
    (&["coupling", "nice", "additivecoupling"], Name("affine_coupling")),
    (&["nsf", "spline", "rqs", "rationalquadraticspline", "neuralsplineflow"], Name("spline_coupling")),
    (&["made", "maskedautoregressiveflow"], Name("maf")),
    (&["inverseautoregressiveflow"], Name("iaf")),
    (&["invertible1x1conv", "invconv", "conv1x1", "invertibleconvolution"], Name("invertible_conv")),
    (&["dequantize", "dequantization", "dequantisation", "uniformdequantization"], Name("dequantise")),
    (&["permutation", "randompermutation", "shuffle"], Name("permute")),
    (&["flip"], Name("reverse")),
    (&["planarflow"], Name("planar")),
    (&["sylvesterflow"], Name("sylvester")),
    (&["affinetransform"], Name("affine")),
];

/// Spaces.
pub(in super::super) const SPACES: &Rows = &[
    (&["float", "float32", "double", "continuous", "vector", "tensor", "number", "reals"], Name("real")),
    (&["int", "integer", "natural", "counts"], Name("count")),
    (&["bool", "boolean", "bit", "bits", "bernoulli"], Name("binary")),
    (&["class", "classes", "category", "categorical", "onehot", "labels"], Name("label")),
    (&["picture", "pixels", "rgb", "images", "photo"], Name("image")),
    (&["probability", "interval", "fraction"], Name("unit")),
    (&["probabilities", "proportions", "composition"], Name("simplex")),
    (&["nonnegative", "positivereal"], Name("positive")),
    (&["direction", "unitvector", "hypersphere", "angle"], Name("sphere")),
    (
        &["graph", "adjacency"],
        Note("edges of n nodes are `binary[1, n, n]`, or one `binary[n]` for each node of a family"),
    ),
    (
        &["text", "string", "sentence", "token", "tokens", "word"],
        Note("a sequence of tokens is a family `x[t]: label[K]` with `length T`"),
    ),
];

/// Arguments of blocks, distributions and flows.
pub(in super::super) const ARGUMENTS: &Rows = &[
    (
        &["outchannels", "outfeatures", "output", "units", "filters", "nout", "features", "dim", "embeddingdim"],
        Name("out"),
    ),
    (&["hidden", "hiddensize", "hiddendim", "hiddenchannels", "hiddenfeatures", "units"], Name("width")),
    (&["layers", "nlayers", "numlayers", "hiddenlayers"], Name("depth")),
    (&["kernelsize", "ksize", "filtersize", "windowsize", "poolsize"], Name("kernel")),
    (&["strides"], Name("stride")),
    (&["numheads", "nheads", "nhead"], Name("heads")),
    (&["numgroups", "ngroups"], Name("groups")),
    (&["scalefactor", "scale"], Name("factor")),
    (&["negativeslope", "alpha"], Name("slope")),
    (&["ncomponents", "numcomponents", "nmix", "mixtures", "nrmix", "k"], Name("components")),
    (&["numembeddings", "ncodes", "numcodes", "codebooksize", "k"], Name("codes")),
    (&["tau"], Name("temperature")),
    (&["growthrate"], Name("growth")),
    (&["outputsize", "shape"], Name("sizes")),
    (&["outputsize", "shape"], Name("size")),
    (
        &["inchannels", "infeatures", "inputsize", "inputdim", "indim"],
        Note("omit it: the sizes of the input follow from the shapes"),
    ),
    (&["padding", "pad"], Note("omit it: `conv` pads so that a stride of 1 keeps height and width")),
    (&["bias", "usebias"], Note("omit it: layers have a bias")),
    (
        &["baseline", "controlvariate"],
        Note(
            "only the score gradient has a baseline: `draw z = score(baseline: b)`, after `let b = x |> linear(out: 1)`",
        ),
    ),
    (&["activation", "nonlinearity", "act"], Note("write it as the next stage, as in `linear(out: 64) |> elu`")),
];

/// Methods of `draw`.
pub(in super::super) const DRAWS: &Rows = &[
    (&["gumbelsoftmax", "gumbel", "concrete", "relaxation", "relax"], Note("write `relaxed(temperature: 0.5)`")),
    (&["ste", "st"], Name("straight_through")),
    (&["nvil", "controlvariate", "baseline"], Note("write `score(baseline: b)`, after `let b = x |> linear(out: 1)`")),
    (&["reinforce", "vimco", "scorefunction"], Name("score")),
    (&["exact", "exactly", "marginalize", "marginalise", "sum", "parallel"], Name("enumerate")),
];

/// Parameters of distributions.
pub(in super::super) const PARAMETERS: &Rows = &[
    (&["shape", "alpha", "k", "a"], Name("concentration")),
    (&["k", "ncomponents", "numcomponents", "nmix"], Name("components")),
    (&["mu", "loc", "location"], Name("mean")),
    (&["sigma", "sd", "stddev", "scale"], Name("std")),
    (&["sigma", "sd", "stddev"], Name("scale")),
    (&["variance", "sigma2"], Name("var")),
    (&["var", "variance", "sigma2"], Name("std")),
    (&["var", "variance", "sigma2", "covariance", "cov"], Name("cholesky")),
    (&["logvariance", "logsigma2"], Name("log_var")),
    (&["logsigma", "logsd", "logstddev"], Name("log_std")),
    (&["logsigma", "logsd", "logstddev"], Name("log_scale")),
    (&["p", "prob", "probability", "probabilities", "mean"], Name("probs")),
    (&["logit"], Name("logits")),
    (&["lambda", "lam", "mean", "mu"], Name("rate")),
    (&["totalcount", "theta", "phi", "n"], Name("dispersion")),
    (&["nu", "dof"], Name("df")),
    (
        &["low", "high", "min", "max"],
        Note(
            "a `uniform` is over the numbers between 0 and 1; move it with the flow `affine`, or use `uniform_around`, whose mean comes from a network",
        ),
    ),
];
