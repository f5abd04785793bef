"""How visitors of a registry sign in, as its settings say."""

from ..identity.development import DevelopmentIssuer
from ..identity.tokens import Verifier
from ..settings import Settings
from .oidc import AtIssuer
from .sessions import session_key
from .signing_in import SignIn


def sign_in_for(settings: Settings, verifier: Verifier) -> SignIn:
    """Return how visitors sign in; with a real issuer only if it knows this registry as a client.

    Raises ``WrongSetting`` and ``MasterKeyError``.
    """
    key = session_key(settings.master_key())
    if settings.issuer is None:
        issuer = DevelopmentIssuer.at(settings.data_dir)
        return SignIn(key=key, public_url=settings.public_url, development=issuer)
    at_issuer = None
    if settings.client_id is not None and settings.public_url is not None:
        secret = settings.client_secret()
        at_issuer = AtIssuer(settings.issuer, settings.client_id, secret, settings.public_url, verifier.keys)
    return SignIn(key=key, public_url=settings.public_url, at_issuer=at_issuer)
