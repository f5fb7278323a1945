"""The section [sizes] of a configuration."""

from __future__ import annotations

import pytest

from opentrace_spark.config import load_config
from opentrace_spark.errors import UsageError
from opentrace_spark.sizes.settings import SizeSettings


def test_settings_have_the_shipped_values():
    assert SizeSettings.of(load_config().sizes) == SizeSettings()


def test_settings_take_the_values_of_a_file(tmp_path):
    path = tmp_path / "my.toml"
    path.write_text("[sizes]\nname_surplus = 8\n")
    settings = SizeSettings.of(load_config(path).sizes)
    assert settings.name_surplus == 8.0
    assert settings.name_shortfall == SizeSettings().name_shortfall


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("band = 1.5", "sizes.band: 1.5 makes no sense"),
        ("min_bits = 0", "sizes.min_bits: 0.0 makes no sense"),
        ("named_ratio = -1.0", "sizes.named_ratio: -1.0 makes no sense"),
        ("max_bytes = inf", "sizes.max_bytes: inf makes no sense"),
        ("band = nan", "sizes.band: nan makes no sense"),
        ("max_bytes = 'many'", "sizes.max_bytes: 'many' is not a number"),
        ("name_surplous = 8", "did you mean name_surplus?"),
    ],
)
def test_settings_refuse_what_makes_no_sense(tmp_path, line, message):
    path = tmp_path / "my.toml"
    path.write_text(f"[sizes]\n{line}\n")
    with pytest.raises(UsageError) as error:
        load_config(path)
    assert message in str(error.value)
