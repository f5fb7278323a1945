"""The picture of predicted against published sizes: what is in the file, and where."""

from __future__ import annotations

import hashlib
import importlib.util
import random
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from opentrace_spark.publish import size_picture
from opentrace_spark.sizes.repository import Repository, evidence_of
from opentrace_spark.sizes.settings import SizeSettings
from opentrace_spark.sizes.validation import METHODS, Validation

SCRIPT = Path(__file__).parents[3] / "scripts" / "sizes.py"
CIRCLE, TRIANGLE = "#47b", "#900"


def validation(models, predicted):
    """Held-out models (id, published count, flag), all predicted alike by every method."""
    rows = tuple(evidence_of(Repository(name), SizeSettings()) for name, _, _ in models)
    known = np.array([count for _, count, _ in models], dtype=np.float64)
    found = np.tile(np.array(predicted, dtype=np.float64), (3, 1))
    flags = tuple(flag for _, _, flag in models)
    return Validation(rows, known, dict.fromkeys(METHODS, found), {}, flags, (None,) * len(models))


def panels_of(path):
    """Of each panel the points in drawing order: (x, y, colour), pixels from its upper left."""
    panels = []
    for group in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}g"):
        if "mark-symbol role-mark" in group.get("class", ""):
            places = [(point.get("transform"), point.get("stroke")) for point in group]
            numbers = [(place[10:-1].split(","), colour) for place, colour in places]
            panels.append([(int(x), int(y), colour) for (x, y), colour in numbers])
    return panels


def test_points_stand_where_both_counts_tell(tmp_path):
    """400 pixels are eight powers of ten, from 100 thousand on; what is beyond is on the edge."""
    models = [
        ("a/on-the-diagonal", 1e9, None),
        ("a/flagged", 1e6, "packed_words"),
        ("a/tiny", 16, None),
        ("a/huge", 1e16, "impossible_density"),
    ]
    path = tmp_path / "sizes.svg"
    drawn = size_picture.save_size_picture(validation(models, [1e9, 1e12, 1e5, 1e13]), path)
    assert drawn == 4
    panels = panels_of(path)
    assert len(panels) == 2
    for points in panels:
        assert sorted(points) == [
            (0, 400, CIRCLE),
            (50, 50, TRIANGLE),
            (200, 200, CIRCLE),
            (400, 0, TRIANGLE),
        ]
        assert [colour for _, _, colour in points] == [CIRCLE, CIRCLE, TRIANGLE, TRIANGLE]


def test_many_models_are_sampled_by_hash_into_a_small_file(tmp_path):
    draw = random.Random(5)
    names = [f"someone{n}/model-{n}" for n in range(1500)]
    models = [(name, 10 ** draw.uniform(5, 13), None) for name in names]
    predicted = [10 ** draw.uniform(5, 13) for _ in names]
    path = tmp_path / "sizes.svg"
    assert size_picture.save_size_picture(validation(models, predicted), path) == 1000
    assert [len(points) for points in panels_of(path)] == [1000, 1000]
    assert path.stat().st_size < 300_000
    text = path.read_text(encoding="utf-8")
    assert "1,000 of 1,500 held-out models" in text
    assert not any(part in text for name in names for part in name.split("/"))
    # Which are drawn depends on no order.
    again = tmp_path / "again.svg"
    size_picture.save_size_picture(validation(models[::-1], predicted[::-1]), again)
    assert [set(points) for points in panels_of(again)] == [set(p) for p in panels_of(path)]
    last = max(sorted(hashlib.sha256(name.encode()).digest() for name in names)[:1000])
    expected = {
        (round(50 * (np.log10(count) - 5)), round(50 * (13 - np.log10(estimate))))
        for (name, count, _), estimate in zip(models, predicted, strict=True)
        if hashlib.sha256(name.encode()).digest() <= last
    }
    assert {(x, y) for x, y, _ in panels_of(path)[0]} == expected


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A file like the real one: 400 models, some unpublished, some whose count is far too low."""
    draw = random.Random(7)
    records = []
    for n in range(400):
        count = int(10 ** draw.uniform(7, 11))
        name, published = f"owner{n % 40}/weights{n}", None if n % 10 == 0 else count
        if n % 8 == 1:  # the name tells 7 billion, the bytes hold them, half a million are counted
            name, count, published = f"owner{n % 40}/weights{n}-7B", 7 * 10**9, 528_384
        records.append(
            {
                "id": name,
                "tags": ["transformers"],
                "formats": ["safetensors"],
                "pipeline_tag": "text-generation",
                "library": "transformers",
                "storage_bytes": 2 * count,
                "parameters": published,
                "base_model": None,
                "downloads_30d": 10,
            }
        )
    path = tmp_path_factory.mktemp("data")
    pq.write_table(pa.Table.from_pylist(records), path / "hub_model_files_2026-08.parquet")
    return path, records


def run(monkeypatch, *options):
    """Exit status of scripts/sizes."""
    spec = importlib.util.spec_from_file_location("sizes_script", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.setattr(sys, "argv", ["sizes", *map(str, options)])
    return script.main()


def test_report_and_picture_are_one_command(folder, tmp_path, monkeypatch, capsys):
    data, records = folder
    path = tmp_path / "sizes.svg"
    assert run(monkeypatch, "--data", data, "--picture", path) == 0
    held_out = [
        record
        for record in records
        if record["parameters"] and hashlib.sha256(record["id"].encode()).digest()[0] < 64
    ]
    flagged = sum(record["id"].endswith("-7B") for record in held_out)
    assert 0 < flagged < len(held_out) < 150
    assert f"held out by id: {len(held_out)} models" in capsys.readouterr().out
    for points in panels_of(path):
        assert len(points) == len(held_out)
        assert sum(colour == TRIANGLE for _, _, colour in points) == flagged
    text = path.read_text(encoding="utf-8")
    assert "owner" not in text
    assert "weights" not in text


def test_picture_may_be_a_png(folder, tmp_path, monkeypatch):
    path = tmp_path / "sizes.png"
    assert run(monkeypatch, "--data", folder[0], "--picture", path) == 0
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(
    ("name", "words"),
    [("sizes.pdf", "neither in .svg nor in .png"), ("none/sizes.svg", "is no folder")],
)
def test_other_pictures_are_refused(folder, tmp_path, monkeypatch, capsys, name, words):
    with pytest.raises(SystemExit) as stop:
        run(monkeypatch, "--data", folder[0], "--picture", tmp_path / name)
    assert stop.value.code == 2
    assert words in capsys.readouterr().err


def test_jobs_need_no_chart_library():
    ask = "import sys, opentrace_spark.cli, opentrace_spark.flow; print('altair' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr
