"""`python -m earthward` is the same as `earthward`."""

from earthward.cli import main

main()
