"""Settings from environment variables, read nowhere else. Every setting has a default that works without configuration."""

from pathlib import Path

from limits import parse
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PACKAGE = Path(__file__).parent


class Settings(BaseSettings):
    """The service's settings; each is an environment variable of the same name in capitals."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    database_url: str = Field("sqlite:///./indicators.db", description="The database, as an SQLAlchemy URL.")
    host: str = Field("127.0.0.1", description="The address that the server listens on.")
    port: int = Field(8000, ge=0, le=65535, description="The port that the server listens on.")
    cache_bytes: int = Field(64 * 2**20, ge=0, description="The size of the response cache in memory.")
    read_threads: int = Field(4, ge=1, le=100, description="The number of concurrent long reads; others wait.")
    read_seconds: float = Field(10, gt=0, description="The time limit of one statement of a read.")
    publish_token: SecretStr | None = Field(None, description="The token with which commands with --url publish.")
    trusted_hosts: str = Field("*", description="The accepted values of the Host header, separated by commas.")
    trusted_proxies: str = Field("127.0.0.1,::1", description="The addresses whose X-Forwarded headers are trusted.")
    rate_limit: str = Field("6000/minute", description="The rate limit of each client, and each token; empty for no limit.")
    max_requests: int = Field(500, ge=1, description="The number of concurrent requests; more are refused with Retry-After.")
    log_level: str = Field(
        "info", pattern="^(critical|error|warning|info|debug)$", description="The least severity that is logged to stderr."
    )
    fastapi_otel_auto_configure: bool = Field(default=False, description="True to send traces; needs the extra `telemetry`.")

    @field_validator("rate_limit")
    @classmethod
    def _rate(cls, value: str) -> str:
        if value:
            try:
                parse(value)
            except ValueError:
                raise ValueError("expected a number per second, minute, hour or day, such as 6000/minute") from None
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _proxies(cls, value: str) -> str:
        if "*" in value:
            raise ValueError("with * every client could claim any address; name the proxies")
        return value


def bundled(name: str) -> Path:
    """Return a folder shipped with the software, in the wheel or the checkout.

    ``name`` is ``migrations`` or ``seed``.
    """
    packaged = PACKAGE / name
    return packaged if packaged.is_dir() else PACKAGE.parent / name
