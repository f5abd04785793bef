"""Clear text leaves memory in no way but the one that is meant, and has a length."""

import copy
import json
import pickle

import msgspec
import pytest

from domain.given import CASE, some_id
from knelpunt.domain.case.facts import CaseOpened
from knelpunt.domain.ids import reference_of
from knelpunt.domain.text import TEXT_BYTES_MAX, Plaintext, Sealed, clear
from knelpunt.domain.vocabulary import NoticedBy

SECRET = "het geheim van de familie"
FACT = CaseOpened(reference_of(CASE), (some_id("subject"),), "schulden", NoticedBy.SUBJECT, clear(SECRET))


@pytest.mark.parametrize(
    "shown", [repr, str, "{}".format, "{!r}".format, ascii], ids=["repr", "str", "format", "format-r", "ascii"]
)
def test_printing_a_text_shows_nothing(shown) -> None:
    """Neither the text nor a command that holds it shows a word, however it is printed."""
    for value in (Plaintext(SECRET), clear(SECRET), FACT):
        assert "geheim" not in shown(value)


@pytest.mark.parametrize("encode", [msgspec.json.encode, msgspec.msgpack.encode, msgspec.to_builtins, json.dumps])
def test_no_codec_encodes_a_text(encode) -> None:
    """Every codec refuses a clear text, alone and within a fact, and its error does not quote it."""
    for value in (Plaintext(SECRET), clear(SECRET), FACT):
        with pytest.raises(TypeError) as error:
            encode(value)
        assert "geheim" not in str(error.value)


def test_a_sealed_text_is_encoded() -> None:
    """What was sealed is written and read back as it was."""
    sealed = Sealed(some_id("subject"), some_id("key"), b"box")
    fact = msgspec.structs.replace(FACT, title=sealed)
    assert msgspec.json.decode(msgspec.json.encode(fact), type=CaseOpened) == fact


def test_texts_are_equal_by_content() -> None:
    """Two equal commands are equal, and one is found where the other was put."""
    assert clear(SECRET) == clear(SECRET) != clear("iets anders")
    assert {Plaintext(SECRET)} == {Plaintext(SECRET)}
    assert Plaintext(SECRET) != SECRET
    assert copy.copy(FACT) == FACT
    assert Plaintext(SECRET).reveal() == SECRET


def test_a_text_has_a_length() -> None:
    """A page and a half fits, measured in bytes; one byte more is refused with a sentence."""
    Plaintext("é" * (TEXT_BYTES_MAX // 2))
    with pytest.raises(ValueError, match="at most 4096 bytes"):
        Plaintext("é" * (TEXT_BYTES_MAX // 2) + "e")


def test_an_error_about_a_text_does_not_quote_it() -> None:
    """A text that is too long is not repeated in what is said about it."""
    with pytest.raises(ValueError, match="split it") as error:
        Plaintext(SECRET * 1_000)
    assert "geheim" not in str(error.value)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_text_cannot_be_pickled(protocol) -> None:
    """Nor does it leave memory by pickle, as between processes, in any of its protocols."""
    for value in (Plaintext(SECRET), clear(SECRET), FACT):
        with pytest.raises(TypeError):
            pickle.dumps(value, protocol)
