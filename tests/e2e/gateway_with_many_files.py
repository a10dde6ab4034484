"""A gateway that more files are open in than `select.select` can tell apart."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent))

from crowd import many_files_open
from earthward.cli import main

with many_files_open():
    main()
