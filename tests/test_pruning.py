"""What is cut stays cut, what is taken out is gone, and bytes are counted as they are stored."""

import io
import itertools
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from realdata import needs_cifar, point_at_cifar

from tracklab import compress, datasets, errors, training
from tracklab.compress import channels, pruning, sizes
from tracklab.models import classifier


@pytest.fixture(scope="module")
def sprites():
    return datasets.sprites(train=600, test=200)


def small(seed=0, **options):
    images = np.random.default_rng(seed).integers(0, 256, (8, 32, 32, 3), np.uint8)
    return classifier.improved(images, widths=(4, 6, 8), seed=seed, **options)


def some_images(count=6, seed=3):
    return np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3)).astype(np.float32)


def says(model, images):
    return np.asarray(model(images, training=False))


def lived_in(model, seed=0):
    """Running means and variances as a training would leave them."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            layer.beta.assign(rng.normal(0, 0.5, layer.beta.shape))
            layer.moving_mean.assign(rng.normal(0, 0.5, layer.beta.shape))
            layer.moving_variance.assign(rng.uniform(0.2, 3, layer.beta.shape))
    return model


# --- masks ---

KERNELS = st.integers(0, 10_000).map(
    lambda seed: [
        np.random.default_rng(seed).normal(size=shape) for shape in ((3, 3, 2, 4), (8, 5), (7, 1))
    ]
)


@given(KERNELS, st.floats(0, 0.99), st.sampled_from(pruning.SCOPES))
def test_the_smallest_go_and_as_many_as_was_asked(kernels, share, scope):
    made = pruning.masks(kernels, share, scope=scope)
    groups = [([k], [m]) for k, m in zip(kernels, made, strict=True)]
    for sizes_of, stays in groups if scope == "layer" else [(kernels, made)]:
        size = np.concatenate([np.abs(k).ravel() for k in sizes_of])
        left = np.concatenate([m.ravel() for m in stays])
        assert (~left).sum() == round(share * left.size)
        if left.any() and not left.all():
            assert size[~left].max() <= size[left].min()


@given(KERNELS, st.floats(0, 0.9), st.floats(0, 0.9))
def test_a_mask_never_gives_back(kernels, one, other):
    before = pruning.masks(kernels, one)
    grown = [k * 0 + 1 for k in kernels]  # whatever a weight may have become since
    after = pruning.masks(grown, other, kept=before)
    for old, new in zip(before, after, strict=True):
        assert not (new & ~old).any()
    gone = sum((~m).sum() for m in after)
    total = sum(m.size for m in after)
    assert gone == max(round(one * total), round(other * total))


def test_the_schedule_is_zhu_and_gupta_s():
    shares = [pruning.schedule(p, 0.9, begin=0.2, end=0.7) for p in np.linspace(0, 1, 101)]
    assert shares[20] == 0
    assert shares[70] == shares[100] == 0.9
    assert (np.diff(shares) >= 0).all()
    # half of the way: 1 - (1/2)^3 of the share
    assert pruning.schedule(0.45, 0.9, begin=0.2, end=0.7) == pytest.approx(0.9 * 7 / 8)
    assert pruning.schedule(0, 0.9, end=0) == 0.9  # all at once


@pytest.mark.parametrize("share", [-0.1, 1.0, 1.5, np.nan, "half", True])
def test_shares_out_of_range(share, sprites):
    with pytest.raises(errors.InputError, match="sparsity"):
        pruning.masks([np.ones(3)], share)
    with pytest.raises(errors.InputError, match="final"):
        pruning.schedule(0.5, share)
    with pytest.raises(errors.InputError, match="sparsity"):
        pruning.prune(small(), sprites.train_images, sprites.train_labels, share, steps=1)


def test_all_may_go_at_one_moment():
    assert pruning.schedule(0.3, 0.8, begin=0.4, end=0.4) == pytest.approx(0)
    assert pruning.schedule(0.4, 0.8, begin=0.4, end=0.4) == 0.8


def test_earlier_masks_may_be_numbers():
    (found,) = pruning.masks([np.ones(3)], 0.5, kept=[np.array([1, 0, 1])])
    assert found.dtype == bool
    assert found.tolist() == [False, False, True]


def test_bad_masks():
    with pytest.raises(errors.InputError, match="kernels"):
        pruning.masks([], 0.5)
    with pytest.raises(errors.InputError, match="kept"):
        pruning.masks([np.ones(3)], 0.5, kept=[np.ones(4, bool)])
    with pytest.raises(errors.InputError, match="scope"):
        pruning.masks([np.ones(3)], 0.5, scope="everything")
    for kernels in (None, ["weights"], [np.array([1, np.nan])], [np.array([1, np.inf])]):
        with pytest.raises(errors.InputError, match="kernels"):
            pruning.masks(kernels, 0.5)
    for progress in (np.nan, -0.1, 1.1, "half"):
        with pytest.raises(errors.InputError, match="progress"):
            pruning.schedule(progress, 0.5)
    with pytest.raises(errors.InputError, match="model"):
        pruning.Pruned(training.Batches)


def test_masks_hold_through_fine_tuning(sprites):
    model, seen = small(), []

    def watched():
        seen.append([v.numpy() == 0 for v in pruning.kernels(model)])
        return {"steps": float(len(seen))}

    curves = pruning.prune(
        *(model, sprites.train_images, sprites.train_labels, 0.7),
        batch_size=32,
        steps=25,
        seed=0,
        progress=False,
        validation=watched,
        validate_every=1,
    )
    assert pruning.sparsity(model) == pytest.approx(0.7, abs=1e-3)
    shares = [sum(m.sum() for m in each) / sum(m.size for m in each) for each in seen]
    assert shares[0] < 0.3  # a little at a time
    for before, after in itertools.pairwise(seen):
        for old, new in zip(before, after, strict=True):
            assert not (old & ~new).any()  # once cut, for ever
    assert len(curves) == 25
    assert np.isfinite(curves.loss).all()


def test_what_is_left_goes_on_learning(sprites):
    """Cut at once, the network knows little; trained on, it knows most of it again."""
    model = classifier.improved(sprites.train_images, widths=(8, 16, 16), seed=0)
    classifier.train_improved(
        *(model, sprites.train_images, sprites.train_labels),
        batch_size=64,
        stages=classifier.FULL_SIZE,
        steps=60,
        seed=0,
        progress=False,
    )
    test = sprites.test_images, sprites.test_labels
    whole = classifier.evaluate(model, *test).accuracy
    pruned = pruning.Pruned(model)
    pruned.cut(0.85)
    at_once = classifier.evaluate(model, *test).accuracy
    pruning.prune(
        *(model, sprites.train_images, sprites.train_labels, 0.85),
        end=0,
        batch_size=64,
        steps=60,
        seed=1,
        progress=False,
    )
    after = classifier.evaluate(model, *test).accuracy
    assert whole > 0.6
    assert after > at_once + 0.1
    assert after > whole - 0.1
    assert pruning.sparsity(model) == pytest.approx(0.85, abs=1e-3)


# --- channels ---


def test_nothing_taken_out_is_the_same_network():
    model = lived_in(small())
    same = channels.narrowed(model, (4, 6, 8))
    np.testing.assert_array_equal(says(model, some_images()), says(same, some_images()))


def test_channels_that_say_nothing_are_not_missed():
    model = lived_in(small())
    # channel 2 of the second stage: both filters, their shift, and with them what it adds
    first, second = channels.stages_of(model)[1]
    for conv, norm in (first, second):
        kernel = conv.kernel.numpy()
        kernel[..., 2] = 0
        conv.kernel.assign(kernel)
        for variable, value in ((norm.beta, 0.0), (norm.moving_mean, 0.0)):
            changed = variable.numpy()
            changed[2] = value
            variable.assign(changed)
    assert channels.importance(model)[1].argmin() == 2
    without = channels.narrowed(model, (4, 5, 8))
    np.testing.assert_allclose(
        says(model, some_images()), says(without, some_images()), rtol=1e-4, atol=1e-5
    )
    assert without.count_params() < model.count_params()


@pytest.mark.parametrize("widths", [(4, 6), (5, 6, 8), (0, 6, 8), (4, 6, 8.5), 4, ("a", 6, 8)])
def test_widths_that_are_none(widths):
    with pytest.raises(errors.InputError, match="widths"):
        channels.narrowed(small(), widths)


def test_other_networks_are_not_narrowed():
    for model in (small(separable=True), small(normalization="none"), classifier.article(), None):
        with pytest.raises(errors.InputError, match="model"):
            channels.narrowed(model, (2, 2, 2))


# --- folding ---


def test_a_folded_network_says_the_same():
    model = lived_in(small())
    plain = compress.folded(model)
    assert not [v for v in plain.variables if "moving" in v.path]
    np.testing.assert_allclose(
        says(model, some_images()), says(plain, some_images()), rtol=1e-4, atol=1e-5
    )
    with pytest.raises(errors.InputError, match="model"):
        compress.folded(plain)


# --- separable convolutions ---


def test_a_separable_convolution_costs_what_howard_says():
    """1/N + 1/9 of the products and weights of a convolution, equation 5."""
    whole, thin = small(), small(separable=True)
    kernels = [
        {layer.name: layer for layer in model.layers if hasattr(layer, "kernel")}
        for model in (whole, thin)
    ]
    depthwise = [one for name, one in kernels[1].items() if name.startswith("depthwise")]
    pointwise = [
        one
        for name, one in kernels[1].items()
        if type(one).__name__ == "Conv2D" and one.name != "whitening"
    ]
    normal = [
        one
        for one in kernels[0].values()
        if type(one).__name__ == "Conv2D" and one.name != "whitening"
    ]
    assert len(depthwise) == len(pointwise) == len(normal) == 5
    for deep, point, conv in zip(depthwise, pointwise, normal, strict=True):
        share = (np.prod(deep.kernel.shape) + np.prod(point.kernel.shape)) / np.prod(
            conv.kernel.shape
        )
        assert share == pytest.approx(1 / conv.filters + 1 / 9)


def test_separable_is_the_same_function_where_the_kernels_are_products():
    """A depthwise and a pointwise convolution are one convolution whose kernel is their product."""
    from tracklab.quiet import tf

    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, 7, 7, 3)).astype(np.float32)
    deep, point = (np.float32(rng.normal(size=s)) for s in ((3, 3, 3, 1), (1, 1, 3, 5)))
    two = tf.nn.conv2d(tf.nn.depthwise_conv2d(x, deep, [1, 1, 1, 1], "SAME"), point, 1, "SAME")
    one = tf.nn.conv2d(x, np.float32(deep * point[0, 0][None, None]), 1, "SAME")
    np.testing.assert_allclose(two, one, rtol=1e-4, atol=1e-4)


# --- bytes ---


@given(st.integers(0, 10_000), st.floats(0, 1))
@settings(max_examples=30)
def test_bytes_are_what_files_would_have(seed, share):
    rng = np.random.default_rng(seed)
    kernel = np.float32(rng.normal(size=(5, 40)) * (rng.random((5, 40)) >= share))
    vector = np.float32(rng.normal(size=7))
    found = sizes.sizes([kernel, vector])
    assert found.weights == 207
    assert found.zeros == (kernel == 0).sum()
    assert found.float32 == kernel.nbytes + vector.nbytes
    assert found.int8 == 200 + 4 * 40 + 28
    assert found.sparse == decoded_size(kernel) + vector.nbytes
    whole = kernel.tobytes() + vector.tobytes()
    with zipfile.ZipFile(io.BytesIO(), "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        file.writestr("weights", whole)
        packed = file.infolist()[0].compress_size
    assert found.deflated == pytest.approx(packed, abs=12)  # but for the frame around it


def decoded_size(kernel):
    """Bytes of a sparse kernel, written one by one as a reader would need them."""
    count, gap = 0, 0
    for value in kernel.ravel():
        if value != 0 or gap == 255:
            count, gap = count + 1, 0
        else:
            gap += 1
    return 5 * count


def test_noughts_cost_as_much_as_anything_until_the_file_is_compressed():
    rng = np.random.default_rng(0)
    kernel = rng.normal(size=(3, 3, 64, 64)).astype(np.float32)
    cut = kernel * pruning.masks([kernel], 0.9)[0]
    before, after = sizes.sizes([kernel]), sizes.sizes([cut])
    assert after.float32 == before.float32
    assert after.int8 == before.int8
    assert after.deflated < 0.25 * before.deflated
    assert after.sparse < 0.2 * before.float32
    assert before.sparse > before.float32  # nothing is cut, and every weight has a distance


def test_no_weights_have_no_size():
    for none in ([], None, ["weights"], [np.zeros((0, 2))], [np.array([1, np.nan])]):
        with pytest.raises(errors.InputError, match="arrays"):
            sizes.sizes(none)


@pytest.mark.slow
@needs_cifar
def test_a_quarter_of_the_shipped_classifier_s_channels_is_not_missed_for_long():
    point_at_cifar()
    images = datasets.cifar10(test=2000)
    model, _ = classifier.shipped()
    test = images.test_images, images.test_labels
    before = classifier.evaluate(model, *test).accuracy
    narrow = channels.narrowed(model, (24, 48, 96))
    cut = classifier.evaluate(narrow, *test).accuracy
    compress.fine_tune(
        *(narrow, images.train_images, images.train_labels), steps=60, seed=0, progress=False
    )
    after = classifier.evaluate(narrow, *test).accuracy
    assert narrow.count_params() < 0.6 * model.count_params()
    assert cut < before - 0.2
    assert after > before - 0.08
