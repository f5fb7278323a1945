"""A wheel that is shipped as it is, a zip: its configuration is read from inside."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
ASK = """
from opentrace_spark import config, session
config.load_config()
print(config.__file__, session.read_properties("session.conf")["spark.sql.session.timeZone"])
"""


def test_configuration_is_read_from_a_zip(tmp_path):
    archive = tmp_path / "opentrace_spark.zip"
    with zipfile.ZipFile(archive, "w") as wheel:
        for place, folder in {".": ROOT / "opentrace_spark", "conf": ROOT / "conf"}.items():
            for file in folder.rglob("*.*"):
                if file.is_file() and file.suffix != ".pyc":
                    name = Path("opentrace_spark", place, file.relative_to(folder))
                    wheel.write(file, name.as_posix())
    code = f"import sys; sys.path.insert(0, {str(archive)!r}){ASK}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == f"{archive}/opentrace_spark/config.py UTC\n", done.stderr
