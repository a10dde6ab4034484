"""A gateway that forgets: its spool writes nothing. Only good to show that a test notices."""

from earthward.cli import main
from earthward.store.spool import SpoolWriter

SpoolWriter.append = lambda self, entry: 0
main()
