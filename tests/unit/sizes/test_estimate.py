"""Fit and cascade on synthetic models whose truth is known."""

from __future__ import annotations

import random
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from opentrace_spark.sizes.estimate import fit, predict, sizes
from opentrace_spark.sizes.line import fit_line
from opentrace_spark.sizes.repository import Repository, evidence_of
from opentrace_spark.sizes.settings import SizeSettings
from opentrace_spark.sizes.validation import is_held_out, quality, validate

SETTINGS = SizeSettings()
BITS = {"": 16, "-fp32": 32, "-FP8": 8, "-AWQ": 4.5}


def model(name, count, size, **more):
    """A safetensors model with a published count (or None)."""
    return evidence_of(
        Repository(name, ["safetensors"], storage_bytes=size, safetensors_total=count, **more),
        SETTINGS,
    )


def synthetic(n, seed):
    """Models of 1e6 to 1e11 parameters in four widths; a tenth keeps a history of files."""
    draw = random.Random(seed)
    rows = []
    for place in range(n):
        count = 10 ** draw.uniform(6, 11)
        mark = draw.choice(list(BITS))
        copies = draw.choice([3, 8, 40]) if draw.random() < 0.1 else 1
        name = f"owner{place % 50}/w{place}x{mark}"
        rows.append(model(name, count, count * BITS[mark] / 8 * copies))
    return rows


def test_fit_finds_the_line_through_a_tenth_of_outliers():
    line = fit(synthetic(400, seed=1), SETTINGS).line
    assert line.slope == pytest.approx(1.0, abs=0.01)
    assert line.intercept == pytest.approx(0.0, abs=0.1)
    assert line.inliers / line.rows > 0.85


def test_predict_is_near_the_truth_of_unseen_models():
    fitted = fit(synthetic(400, seed=1), SETTINGS)
    unseen = synthetic(200, seed=2)
    found = predict(fitted, unseen, SETTINGS)
    truth = np.array([row.known for row in unseen])
    ratio = found.parameters / truth
    assert np.median(np.abs(ratio - 1)) < 0.15  # a history may be behind any of them
    assert np.mean((found.low <= truth) & (truth <= found.high)) > 0.85
    assert np.all((found.low <= found.parameters) & (found.parameters <= found.high))


def test_fit_gives_the_same_bits_in_any_order():
    rows = synthetic(300, seed=3)
    shuffled = rows[::-1]
    random.Random(4).shuffle(shuffled)
    assert fit(rows, SETTINGS) == fit(shuffled, SETTINGS)


def test_predict_gives_the_same_bits_in_any_batch():
    fitted = fit(synthetic(300, seed=3), SETTINGS)
    rows = synthetic(300, seed=5)
    whole = predict(fitted, rows, SETTINGS)
    single = [predict(fitted, [row], SETTINGS) for row in rows]
    for part in ("parameters", "low", "high"):
        assert getattr(whole, part).tolist() == [getattr(one, part)[0] for one in single]


def test_fit_without_known_models_takes_sixteen_bits():
    fitted = fit([model("a/b", None, 2e9)], SETTINGS)
    assert fitted.habits == ()
    found = predict(fitted, [model("a/b", None, 2e9), model("a/c-AWQ", None, 9e9)], SETTINGS)
    assert found.parameters == pytest.approx([1e9, 16e9])
    assert found.low == pytest.approx([1e8, 16e8])
    assert found.high == pytest.approx([1e10, 16e10])


@pytest.mark.parametrize("n", [1, 2, 5])
def test_fit_on_few_models_takes_their_bytes_per_parameter(n):
    rows = [model(f"o{i}/x", 1e8 * 4**i, 4e8 * 4**i) for i in range(n)]
    fitted = fit(rows, SETTINGS)
    assert (fitted.line.slope, fitted.line.rows) == (1.0, n)
    assert fitted.line.intercept == pytest.approx(np.log10(0.5))
    found = predict(fitted, [model("p/x", None, 4e8)], SETTINGS)
    assert found.parameters[0] == pytest.approx(1e8, rel=0.5)


def test_fit_on_models_of_one_size_is_finite():
    rows = [model(f"o{i}/x", 5e7, 2e8) for i in range(50)]
    fitted = fit(rows, SETTINGS)
    assert fitted.line.slope == 1.0
    found = predict(fitted, [model("p/x", None, 2e8)], SETTINGS)
    assert found.parameters[0] == pytest.approx(5e7, rel=0.1)


def test_fit_ignores_counts_that_a_test_finds_wrong():
    rows = synthetic(200, seed=6)
    wrong = [model(f"o{i}/OLMo-3-7B-{i}", 528384, 14.6e9) for i in range(100)]
    assert fit([*rows, *wrong], SETTINGS) == fit(rows, SETTINGS)


def test_predict_without_bytes_is_nan():
    fitted = fit(synthetic(50, seed=7), SETTINGS)
    found = predict(fitted, [model("a/b", None, None), model("a/c", None, 0)], SETTINGS)
    assert np.isnan(found.parameters).all()
    assert len(predict(fitted, [], SETTINGS).parameters) == 0


def test_an_architecture_of_one_size_outweighs_a_history_of_files():
    act = [
        model(f"o{i % 9}/policy-{i}", 5.17e7, 5.17e7 * 4 * k, library_name="lerobot")
        for i, k in enumerate([1] * 30 + [10] * 4 + [25] * 6)
    ]
    fitted = fit([*synthetic(300, seed=8), *act], SETTINGS)
    unseen = model("new/policy-99", None, 5.17e7 * 4 * 30, library_name="lerobot")
    found = predict(fitted, [unseen], SETTINGS)
    assert found.parameters[0] == pytest.approx(5.17e7, rel=0.2)


@pytest.mark.parametrize(
    ("name", "count", "size", "more", "source", "flag"),
    [
        ("a/Qwen3-8B", 8.19e9, 16.4e9, {}, "safetensors", None),
        ("a/Qwen3-8B", None, 16.4e9, {}, "name", None),
        ("a/tuned", None, 16.4e9, {"base_models": ["b/Qwen3-8B"]}, "name", None),
        ("a/Qwen3-8B-lora", None, 4e7, {}, "estimated", None),
        ("a/Qwen3-8B-head", None, 4e7, {}, "estimated", None),
        ("a/Qwen3-8B-AWQ", None, 6.1e9, {}, "name", None),
        ("a/OLMo-3-7B-sft", 528384, 14.6e9, {}, "name", "named_size"),
        ("a/m-071", 3.05e6, 3.8e11, {}, "estimated", "stray_bytes"),
        ("a/Qwen3-8B", None, None, {}, "name", "unchecked_name"),
        ("a/Qwen3-8B-lora", None, None, {}, None, None),
        ("timm/resnet26t.ra2_in1k", None, None, {}, None, None),
        ("a/LiteLlama-3T", None, None, {"base_models": ["b/Lite-1B"]}, "name", "unchecked_name"),
        ("a/big-1T", None, 2.1e12, {}, "name", None),
        ("a/big-1T", None, None, {}, None, None),
    ],
)
def test_sizes_follow_the_cascade(name, count, size, more, source, flag):
    fitted = fit(synthetic(100, seed=9), SETTINGS)
    found = sizes(fitted, [model(name, count, size, **more)], SETTINGS)[0]
    assert (found.parameter_source, found.parameter_flag) == (source, flag)
    assert found.published_count == count
    if source:
        assert found.low <= found.parameter_count <= found.high


def test_sizes_take_gguf_after_safetensors():
    repository = Repository("a/b", ["gguf"], storage_bytes=5e9, gguf_total=8e9)
    both = replace(repository, safetensors_total=7e9)
    fitted = fit([], SETTINGS)
    rows = [evidence_of(one, SETTINGS) for one in (repository, both)]
    found = sizes(fitted, rows, SETTINGS)
    assert [size.parameter_source for size in found] == ["gguf", "safetensors"]
    assert [size.parameter_count for size in found] == [8e9, 7e9]


def test_validate_hides_what_it_holds_out():
    rows = synthetic(400, seed=10)
    found = validate(rows, "id", SETTINGS)
    assert [row.id for row in found.rows] == sorted(r.id for r in rows if is_held_out(r.id))
    assert found.quality("regression", "not flagged").r2_log > 0.9
    assert found.quality("cascade", "flagged").n == sum(map(bool, found.flags))
    by_owner = {row.owner for row in validate(rows, "owner", SETTINGS).rows}
    assert by_owner == {row.owner for row in rows if is_held_out(row.owner)}


def test_quality_by_hand():
    found = np.array([[10.0, 100.0, 3000.0], [5.0, 50.0, 2000.0], [20.0, 200.0, 4000.0]])
    by_hand = quality(found, np.array([10.0, 100.0, 1000.0]))
    assert by_hand.n == 3
    assert by_hand.r2_log == pytest.approx(1 - np.log10(3) ** 2 / 2)
    assert (by_hand.median_error, by_hand.within_1_5, by_hand.in_band) == (0.0, 2 / 3, 2 / 3)
    assert quality(found[:, :0], np.array([])).r2_log is None


def test_predicting_needs_no_scikit_learn():
    code = (
        "import sys, opentrace_spark.sizes.validation; "
        "sys.exit('sklearn' in sys.modules or 'pyspark' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_line_is_no_level_one():
    """Half of the models are of one size in many packagings: more than lie on any law."""
    rng = np.random.default_rng(4)
    x = rng.uniform(7, 11, 400)
    y = np.where(np.arange(400) % 2 == 0, 8.0, x - 0.3 + rng.normal(0, 0.04, 400))
    line = fit_line(x, y, SETTINGS, SETTINGS.inlier_residual)
    assert line.slope == pytest.approx(1, abs=0.05)
    assert line.intercept + 9 * line.slope == pytest.approx(8.7, abs=0.05)


def test_points_on_no_law_get_slope_one():
    x = np.linspace(7, 11, 100)
    line = fit_line(x, np.full(100, 8.0), SETTINGS, SETTINGS.inlier_residual)
    assert (line.slope, line.intercept) == (1.0, pytest.approx(-1.0))


def test_predictions_do_not_depend_on_batches():
    """More rows than one batch, asked together, in another order, and one by one: the same bits."""
    rows = synthetic(600, seed=12)
    fitted = fit(rows[:300], SETTINGS)
    together = predict(fitted, rows, SETTINGS)
    backwards = predict(fitted, rows[::-1], SETTINGS)
    for name in ("parameters", "low", "high"):
        expected = getattr(together, name)
        assert getattr(backwards, name)[::-1].tobytes() == expected.tobytes()
        alone = [getattr(predict(fitted, [row], SETTINGS), name)[0] for row in rows[:40]]
        assert np.array(alone).tobytes() == expected[:40].tobytes()


def test_sizes_are_told_in_three_digits_unless_published():
    fitted = fit(synthetic(100, seed=9), SETTINGS)
    rows = [
        model("a/x", 123_456_789, 3e8),
        model("a/y", None, 3.333e8),
        model("a/z-1.234B", None, None),
    ]
    published, estimated, named = sizes(fitted, rows, SETTINGS)
    assert (published.parameter_count, published.low, published.high) == (123_456_789,) * 3
    assert named.parameter_count == 1_230_000_000
    for count in (estimated.parameter_count, estimated.low, estimated.high):
        assert len(str(count).rstrip("0")) <= 3
    assert estimated.low <= estimated.parameter_count <= estimated.high


@pytest.mark.parametrize("size", [1, 3, 2**62, 10**18 - 1])
@pytest.mark.parametrize("seen", [0, 100])
def test_sizes_of_absurd_bytes_fit_the_tables(size, seen):
    """A file of a few bytes holds no parameter, and an exabyte more than 64 bits can count."""
    fitted = fit(synthetic(seen, seed=1), SETTINGS)
    (found,) = sizes(fitted, [model("a/b", None, size)], SETTINGS)
    assert 1 <= found.low <= found.parameter_count <= found.high <= 10**18


def test_the_band_of_an_absurd_name_fits_the_tables():
    row = model("a/b-60x9999T", None, 10**18 - 1)  # bytes that its half a quintillion agrees with
    (found,) = sizes(fit([], SETTINGS), [row], SETTINGS)
    assert found.parameter_source == "name"
    assert 1 <= found.low <= found.parameter_count <= found.high <= 10**18
