"""The one call into Alembic. Its environment, `env.py`, lies beside this file."""

import logging

import alembic.command
import alembic.config
import alembic.util
from sqlalchemy import Connection


class Unknown(Exception):
    """The store's version is none of the migrations here."""


def upgrade(connection: Connection, to: str) -> None:
    """Applies the migrations up to that one, in the transaction that is open."""
    # It tells at every start that it looked.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = alembic.config.Config()
    config.set_main_option("script_location", "earthward.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        alembic.command.upgrade(config, to)
    except alembic.util.CommandError as error:
        raise Unknown(str(error)) from error
