"""Settings: the only reader of the environment. Every setting has a default that needs nothing."""

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
    cache_bytes: int = Field(64 * 2**20, ge=0, description="What finished answers may take in memory.")
    read_threads: int = Field(4, ge=1, le=100, description="How many long reads run at once; others wait.")
    read_seconds: float = Field(10, gt=0, description="How long one statement of a read may take before it is stopped.")
    publish_token: SecretStr | None = Field(None, description="The token by which commands with --url publish.")
    trusted_hosts: str = Field("*", description="The hosts that are answered for, separated by commas.")
    trusted_proxies: str = Field("127.0.0.1,::1", description="The addresses whose X-Forwarded headers are believed.")
    rate_limit: str = Field("6000/minute", description="What one client, and one token, may ask; empty for no limit.")
    max_requests: int = Field(500, ge=1, description="How many requests are worked on at once; others are told to come back.")
    log_level: str = Field(
        "info", pattern="^(critical|error|warning|info|debug)$", description="How much the server logs to stderr."
    )
    fastapi_otel_auto_configure: bool = Field(default=False, description="Whether traces are sent; needs the extra `telemetry`.")

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


def carried(name: str) -> Path:
    """The folder ``name`` (``migrations``, ``seed``) that comes with this software: in the wheel, else in the checkout."""
    inside = PACKAGE / name
    return inside if inside.is_dir() else PACKAGE.parent / name
