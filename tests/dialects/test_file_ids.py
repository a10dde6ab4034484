"""A file that one vendor holds is sent to no other: there it would be another, or none."""

import pytest

from earthward.chat import ChatRequest, Document, Failure, Image, Message, Role
from earthward.dialects.file_ids import BEGINNINGS, held_by
from every_dialect import DIALECTS

IDS = {"OpenAI": "file-abc", "Anthropic": "file_011C", "Google": "files/abc"}
VENDORS = {"openai_chat": "OpenAI", "openai_responses": "OpenAI", "anthropic_messages": "Anthropic", "gemini": "Google"}
WRITERS = [dialect for dialect in DIALECTS if dialect.module.__name__.rpartition(".")[2] in VENDORS]


@pytest.mark.parametrize("whose", IDS)
@pytest.mark.parametrize("dialect", WRITERS, ids=[dialect.name for dialect in WRITERS])
def test_a_file_goes_to_the_vendor_that_holds_it_and_to_no_other(dialect, whose):
    vendor = VENDORS[dialect.module.__name__.rpartition(".")[2]]
    for part in (Document(file_id=IDS[whose]), Image(file_id=IDS[whose])):
        written = dialect.write_request(ChatRequest("m", (Message(Role.USER, (part,)),), max_tokens=5))
        if whose != vendor:
            assert isinstance(written, Failure)
            assert "base64" in written.message or "cannot be said" in written.message
        elif isinstance(part, Document):
            assert IDS[whose].encode() in written


def test_an_id_of_no_known_form_may_be_any_servers_own():
    assert held_by("abc") is None
    assert all(held_by(f"{beginning}x") == name for name, known in BEGINNINGS.items() for beginning in known)
