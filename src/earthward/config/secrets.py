"""Secrets stand in a configuration as references only: `env:NAME` or `file:PATH`.

They are looked up by the process that needs them, when it needs them. No error here repeats what was found.
"""

import re
from collections.abc import Callable, Iterable, Mapping

FORM = "env:NAME or file:PATH"

LEAST_CONTENT_KEY = 32
"""Characters. Whoever holds sealed bytes could guess a shorter one."""

_ENV = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")
_FILE = re.compile(r"file:(.+)", re.DOTALL)


def is_reference(text: str) -> bool:
    return bool(_ENV.fullmatch(text) or _FILE.fullmatch(text))


def resolve(reference: str, environ: Mapping[str, str], read_file: Callable[[str], str]) -> str:
    """The secret itself, without white space around it.

    Raises LookupError if there is none, OSError or ValueError if its file can't be read or the reference is none.
    """
    if named := _ENV.fullmatch(reference):
        return _not_empty(environ.get(named[1], ""), f"the environment variable {named[1]} is not set or empty")
    if filed := _FILE.fullmatch(reference):
        return _not_empty(_read(filed[1], read_file), f"the file {filed[1]} is empty")
    raise ValueError(f"a secret must be given as {FORM}")


def content_keys(
    references: Iterable[str], environ: Mapping[str, str], read_file: Callable[[str], str]
) -> tuple[str, ...]:
    """The secrets that content is sealed with. Raises as `resolve` does, ValueError for one that could be guessed."""
    found = tuple(resolve(reference, environ, read_file) for reference in references)
    if any(len(secret) < LEAST_CONTENT_KEY for secret in found):
        message = f"a content key has fewer than {LEAST_CONTENT_KEY} characters; `openssl rand -hex 32` makes one"
        raise ValueError(message)
    return found


def _read(path: str, read_file: Callable[[str], str]) -> str:
    try:
        return read_file(path)
    except UnicodeDecodeError:
        # The decoder's own message would repeat a piece of the secret.
        raise ValueError(f"the file {path} is no text") from None
    except OSError as error:
        raise OSError(f"can't read the file {path}: {error.strerror or type(error).__name__}") from None


def _not_empty(secret: str, otherwise: str) -> str:
    secret = secret.strip()
    if not secret:
        raise LookupError(otherwise)
    return secret
