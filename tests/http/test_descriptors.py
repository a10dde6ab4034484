"""How many sockets a process may open."""

import subprocess
import sys

SCRIPT = """
import resource
from earthward.http.descriptors import raise_descriptor_limit
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (64, min(hard, 4096) if hard > 0 else 4096))
print(raise_descriptor_limit(1000), raise_descriptor_limit(100), raise_descriptor_limit())
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def test_the_soft_limit_is_raised_as_far_as_it_may_be_and_never_lowered():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1000", "1000", "4096", "4096"]
