"""Who a pseudonym stands for: sealed, found by those who may, and gone with the subject."""

from uuid import uuid4

import pytest

from infra.forgetting.given import ANNA, BERT, erasing
from knelpunt.domain.text import Clear
from knelpunt.domain.vocabulary import IdentityKind
from knelpunt.infra.store.connection import DatabaseRole, connect
from knelpunt.infra.vault.identities import Identities, IdentityError, identity

BSN = "111222333"  # passes the test of eleven, and is given to nobody: it is the Dutch government's own example


def test_found_and_shown(registry_url) -> None:
    """A number leads to one pseudonym, a name to several, however they are typed; and a pseudonym leads back."""
    one, other = uuid4(), uuid4()
    with erasing(registry_url) as (parts, _):
        identities = Identities(parts.vault)
        for _ in range(2):
            identities.keep(one, identity(IdentityKind.BSN, BSN))
            identities.keep(one, identity(IdentityKind.NAME, "Jo de  Vries"))
            identities.keep(other, identity(IdentityKind.NAME, "jo de vries"))
        assert identities.find(identity(IdentityKind.BSN, "1112.22.333")) == [one]
        assert identities.find(identity(IdentityKind.NAME, "JO DE VRIES")) == sorted([one, other])
        assert identities.find(identity(IdentityKind.NAME, BSN)) == []
        shown = [(kept.kind, kept.content) for kept in identities.of(one)]
        texts = [(kind, text.content.reveal()) for kind, text in shown if isinstance(text, Clear)]
        assert texts == [(IdentityKind.BSN, BSN), (IdentityKind.NAME, "Jo de Vries")]
        with pytest.raises(IdentityError, match="another subject's already"):
            identities.keep(other, identity(IdentityKind.BSN, BSN))


def test_erased_with_the_subject(registry_url) -> None:
    """After erasure nothing leads from the number to the pseudonym or back, nothing new is kept, and all is counted."""
    one, other = uuid4(), uuid4()
    number = identity(IdentityKind.BSN, BSN)
    with erasing(registry_url) as (parts, eraser):
        identities = Identities(parts.vault)
        identities.keep(one, number)
        identities.keep(other, identity(IdentityKind.NAME, "Jo"))
        eraser.approve([eraser.request(one, "verzoek", ANNA)], BERT)
        assert identities.find(number) == []
        assert identities.of(one) == []
        with pytest.raises(IdentityError, match="has been erased"):
            identities.keep(one, number)
        assert identities.find(identity(IdentityKind.NAME, "Jo")) == [other]
        # The number is free: whoever comes back is somebody new.
        identities.keep(other, number)
        assert identities.find(number) == [other]


def test_another_registry_indexes_otherwise(new_registry) -> None:
    """The index rests on a secret of the vault: nobody compares numbers across registries, or tries them all."""
    indexes = []
    for url in (new_registry(), new_registry()):
        with erasing(url) as (parts, _):
            identities = Identities(parts.vault)
            identities.keep(uuid4(), identity(IdentityKind.BSN, BSN))
        with connect(url, DatabaseRole.OWNER) as owner:
            ((index, box),) = owner.execute("SELECT blind_index, box FROM vault.identity").fetchall()
            assert BSN.encode() not in index + box
            indexes.append(index)
    assert indexes[0] != indexes[1]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (IdentityKind.BSN, "111222334"),
        (IdentityKind.BSN, "000000000"),
        (IdentityKind.BSN, "1112223333"),
        (IdentityKind.BSN, "een"),
        (IdentityKind.NAME, "  "),
        (IdentityKind.NAME, "x" * 201),
    ],
)
def test_what_cannot_be_one(kind, text) -> None:
    """A number with a wrong check digit and an empty name are refused in a sentence that does not quote them."""
    with pytest.raises(IdentityError) as caught:
        identity(kind, text)
    assert text not in str(caught.value) or not text.strip()


OTHERS = [role for role in DatabaseRole if role not in {DatabaseRole.VAULT, DatabaseRole.OWNER}]


@pytest.mark.parametrize("role", OTHERS)
def test_only_the_vaults_role_sees_identities(registry_url, role) -> None:
    """No other role of the registry reads them, the eraser's included."""
    with connect(registry_url, role) as connection, pytest.raises(Exception, match="permission denied"):
        connection.execute("SELECT * FROM vault.identity")
