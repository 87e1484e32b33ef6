"""Which provider signs people in (OpenID Connect)."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class ProviderSettings:
    """issuer: its address, below which is /.well-known/openid-configuration.
    name: on the button. role_claim: where it says the roles, with dots between levels."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    role_claim: str = "roles"
    name: str = "OpenID Connect"
