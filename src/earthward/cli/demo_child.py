"""`python -m earthward.cli.demo_child PARENT MODULE ARGUMENTS`: a module run so that it does not outlive the demo.

Whoever kills the demo outright leaves it no moment to end what it started; the kernel does it then, on Linux.
"""

import runpy
import sys

from earthward.engine.parent import be_killed_with_parent

if __name__ == "__main__":
    parent, module, *arguments = sys.argv[1:]
    be_killed_with_parent(int(parent))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
