"""The settings: one frozen `Config`, read once at start.

A setting comes from the command line, else from the environment (`LIVEFEED_PORT=9000`), else from a TOML file with the same
names, else it has its default. An unknown name is an error: a misspelt limit must not silently mean no limit.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import msgspec
import platformdirs
from msgspec import Meta, Struct, field, inspect

from livefeed.exceptions import ConfigError

__all__ = ["CLIENT_SETTINGS", "PREFIX", "Config", "load"]

PREFIX = "LIVEFEED_"

CLIENT_SETTINGS = ("LIVEFEED_URL", "LIVEFEED_TOKEN")
"""Read by the shell commands and the producers. The server ignores them in its environment."""


def _data_dir() -> Path:
    return platformdirs.user_data_path("livefeed")


class Config(Struct, frozen=True, kw_only=True):
    """The operator's settings. Their descriptions are what the documentation and `livefeed settings` show."""

    host: Annotated[str, Meta(min_length=1, description="Address to listen on. `0.0.0.0` or `::` for every interface")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on. 0: a free one, which is printed")] = 8000
    workers: Annotated[int, Meta(ge=1, le=256, description="Worker processes that share the port. One per core is enough")] = 1
    redis_url: Annotated[
        str | None,
        Meta(
            description="`redis://`, `rediss://`, `unix://`, `redis+sentinel://`, `redis+cluster://`. Unset: the embedded store",
            extra={"secret": True},
        ),
    ] = None
    data_dir: Annotated[
        Path, Meta(description="Folder for the embedded store's data and the admin key. Unset: the user's data folder")
    ] = field(default_factory=_data_dir)
    embedded_server: Annotated[
        Path | None, Meta(description="Program to run as the embedded store instead of the bundled one")
    ] = None
    admin_key: Annotated[
        Annotated[str, Meta(min_length=32)] | None,
        Meta(
            description="The admin key, at least 32 characters. Unset: generated at the first start, kept in the data folder",
            extra={"secret": True},
        ),
    ] = None
    token_secret: Annotated[
        str | None,
        Meta(
            description="Secret that JWTs are signed with (HS256). Unset, with no `token_keys`: generated and stored",
            extra={"secret": True},
        ),
    ] = None
    token_keys: Annotated[
        str | None, Meta(description="JWKS with the keys that JWTs are signed with: a file or an `https://` URL")
    ] = None
    token_issuer: Annotated[str | None, Meta(description="The `iss` claim required of a JWT. Unset: any")] = None
    token_lifetime: Annotated[
        int, Meta(ge=1, le=31536000, description="Maximum lifetime of a JWT in seconds, from `iat` or now to `exp`")
    ] = 86400
    allowed_origins: Annotated[
        tuple[str, ...], Meta(description="Origins whose pages may use the session of a signed-in browser, separated by commas")
    ] = ()
    frame_ancestors: Annotated[
        tuple[str, ...], Meta(description="Origins that may embed reader pages and wall screens, separated by commas")
    ] = ()
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(description="Networks of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are trusted, separated by commas"),
    ] = ()
    public_url: Annotated[str, Meta(description="Public URL for links in feeds and pages. Unset: derived from the request")] = ""
    publish_rate: Annotated[
        float, Meta(gt=0, le=100000, description="Items per second that one key may publish at each worker, on average")
    ] = 1000.0
    publish_burst: Annotated[int, Meta(ge=1, le=1000000, description="Items that one key may publish at once")] = 20000
    max_connections: Annotated[
        int, Meta(ge=0, le=10000000, description="Connections that each worker accepts. 0: as many as its open-file limit allows")
    ] = 0
    connections_per_address: Annotated[
        int,
        Meta(
            ge=0,
            le=1000000,
            description="Connections per worker and client address. 0: 1,000 for public addresses, no limit for private ones",
        ),
    ] = 0
    durability: Annotated[
        Literal["memory", "aof", "replica"],
        Meta(description="What a `2xx` to a publish guarantees: the event is in Redis' memory, on its disk, or on a replica too"),
    ] = "memory"
    grace: Annotated[float, Meta(ge=1, le=600, description="Seconds that a shutdown may take before it is forced")] = 10.0
    send_buffer: Annotated[
        int, Meta(ge=4096, le=67108864, description="Size of the kernel's send buffer for one connection (`SO_SNDBUF`)")
    ] = 262144
    dead_after: Annotated[
        float, Meta(ge=1, le=3600, description="Seconds that sent data may stay unacknowledged (`TCP_USER_TIMEOUT`)")
    ] = 20.0
    stuck_after: Annotated[
        float, Meta(ge=1, le=3600, description="Seconds without progress in sending after which a connection is closed")
    ] = 60.0
    compression: Annotated[
        bool, Meta(description="Whether streams are compressed for readers that accept it. The work is shared by all of them")
    ] = True
    tls_certificate: Annotated[
        Path | None, Meta(description="PEM file with the certificate chain, to serve TLS without a proxy")
    ] = None
    tls_key: Annotated[Path | None, Meta(description="PEM file with the certificate's private key")] = None
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Meta(description="Lowest severity that is logged")] = (
        "info"
    )
    log_format: Annotated[
        Literal["auto", "json", "console"], Meta(description="`auto`: coloured text on a terminal, JSON lines otherwise")
    ] = "auto"

    def __repr__(self) -> str:
        """Without secrets: a Config may end up in a traceback."""
        shown = ", ".join(f"{name}={'…' if is_secret(name) else repr(getattr(self, name))}" for name in self.__struct_fields__)
        return f"Config({shown})"


def _annotations() -> dict[str, Any]:
    return {field.name: field.type for field in msgspec.structs.fields(Config)}


def _meta(annotation: Any) -> Meta:
    return next(arg for arg in get_args(annotation)[1:] if isinstance(arg, Meta))


def describe(name: str) -> str:
    """The setting's one-line description."""
    return _meta(_annotations()[name]).description or ""


def is_secret(name: str) -> bool:
    return bool((_meta(_annotations()[name]).extra or {}).get("secret"))


def load(environ: Mapping[str, str], path: Path | None = None, given: Mapping[str, Any] | None = None) -> Config:
    """The settings from *given* (the command line), *environ* and the TOML file at *path*, highest precedence first."""
    values = _named(_read(path), str(path)) if path is not None else {}
    # An empty variable counts as unset: compose files and service units cannot omit a name.
    values |= _named({k: v for k, v in environ.items() if k.startswith(PREFIX) and v}, "the environment")
    values |= {name: value for name, value in (given or {}).items() if value is not None}
    return Config(**{name: _convert(name, value) for name, value in values.items()})


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as exc:
        raise ConfigError(f"the settings file {path} cannot be read: {exc.strerror}") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError(f"the settings file {path} is not valid TOML: {exc}") from exc


def _named(values: Mapping[str, Any], source: str) -> dict[str, Any]:
    """*values* by field name. Raises `ConfigError` for an unknown name."""
    known = {PREFIX + name.upper(): name for name in Config.__struct_fields__}
    found: dict[str, Any] = {}
    for name, value in values.items():
        if name in known:
            found[known[name]] = value
        elif name not in CLIENT_SETTINGS:
            near = difflib.get_close_matches(name.upper(), (*known, *CLIENT_SETTINGS), n=1, cutoff=0)
            raise ConfigError(f"{name} in {source} is not a setting: did you mean {near[0]}?")
    return found


def _convert(name: str, value: Any) -> Any:
    annotation = _annotations()[name]
    if isinstance(value, str) and "tuple[" in str(annotation):
        value = [part.strip() for part in value.split(",") if part.strip()]
    try:
        return msgspec.convert(value, annotation, strict=False, dec_hook=_path)
    except msgspec.ValidationError as exc:
        shown = "" if is_secret(name) else f" is {value!r}"
        raise ConfigError(f"{PREFIX}{name.upper()}{shown}: expected {_expected(inspect.type_info(annotation))}") from exc


def _expected(kind: inspect.Type) -> str:
    """What a value of *kind* looks like, in the operator's words."""
    match kind:
        case inspect.Metadata(type=inner) | inspect.UnionType(types=(inner, inspect.NoneType())):
            return _expected(inner)
        case inspect.LiteralType(values=values):
            return f"one of {', '.join(map(str, values))}"
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType(ge=least, le=most):
            return f"a whole number from {least} to {most}"
        case inspect.FloatType(gt=None, ge=least, le=most):
            return f"a number from {least} to {most}"
        case inspect.FloatType(gt=bound, le=most):
            return f"a number above {bound}, up to {most}"
        case inspect.VarTupleType():
            return "texts, separated by commas"
        case inspect.StrType(min_length=int(least)):
            return f"a text of at least {least} character{'s' * (least > 1)}"
        case inspect.CustomType():
            return "a path"
    return "a text"


def _path(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str) and value:
        return Path(value).expanduser()
    raise msgspec.ValidationError("Expected a path")
