import os
import shutil
import subprocess
import sys
from pathlib import Path

import earthward


def test_a_start_compiles_nothing_even_where_byte_code_may_not_be_written(tmp_path: Path) -> None:
    package = Path(earthward.__file__).parent
    shutil.copytree(package, tmp_path / "earthward", ignore=shutil.ignore_patterns("__pycache__"))
    environ = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    code = "from earthward.bench.processes import compiled; compiled()"
    subprocess.run([sys.executable, "-c", code], check=True, env=environ)
    code = "import sys, earthward.cli.serve as it; print(it.__file__); print(it.__cached__)"
    said = subprocess.run([sys.executable, "-v", "-c", code], check=True, env=environ, capture_output=True, text=True)
    assert said.stdout.startswith(str(tmp_path))
    read = [line for line in said.stderr.splitlines() if "code object from" in line and str(tmp_path) in line]
    assert read
    assert all(".pyc" in line for line in read)
