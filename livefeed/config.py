"""The settings: one frozen `Config`, read once at start.

A setting comes from the command line, else from the environment (`LIVEFEED_PORT=9000`), else from a TOML file that uses
the same names, else it is the default. A name that nobody knows is an error: a misspelt limit must not be no limit.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec
import platformdirs
from msgspec import Meta, Struct, field

from livefeed.exceptions import ConfigError

__all__ = ["CLIENT_SETTINGS", "PREFIX", "Config", "load"]

PREFIX = "LIVEFEED_"

CLIENT_SETTINGS = ("LIVEFEED_URL", "LIVEFEED_TOKEN")
"""Read by the shell commands and the producers, not by the server, and no fault in its environment."""


def _data_dir() -> Path:
    return platformdirs.user_data_path("livefeed")


class Config(Struct, frozen=True, kw_only=True):
    """What the operator decides. Each description is what the documentation says of it."""

    host: Annotated[str, Meta(min_length=1, description="Address to listen on. `0.0.0.0` or `::` is every interface")] = (
        "127.0.0.1"
    )
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on. 0 takes a free one and says which")] = 8000
    workers: Annotated[int, Meta(ge=1, le=256, description="Worker processes on the one port. One per core is plenty")] = 1
    redis_url: Annotated[
        str | None,
        Meta(
            description="`redis://`, `rediss://`, `unix://`, `redis+sentinel://` or `redis+cluster://`. Unset: the embedded one",
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
            description="The admin's key, at least 32 characters. Unset: made at the first start and kept in the data folder",
            extra={"secret": True},
        ),
    ] = None
    token_secret: Annotated[
        str | None,
        Meta(
            description="Secret that JWTs are signed with (HS256). Unset, without keys: one is made and kept in the data folder",
            extra={"secret": True},
        ),
    ] = None
    token_keys: Annotated[
        str | None, Meta(description="JWKS with the keys that JWTs are signed with: a file, or an `https://` address")
    ] = None
    token_issuer: Annotated[str | None, Meta(description="The `iss` that a JWT must have. Unset: any")] = None
    token_lifetime: Annotated[
        int, Meta(ge=1, le=31536000, description="Seconds that a JWT may count for at most, from `iat` or now to `exp`")
    ] = 86400
    allowed_origins: Annotated[
        tuple[str, ...], Meta(description="Origins whose pages may use a signed-in browser's session here, separated by commas")
    ] = ()
    frame_ancestors: Annotated[
        tuple[str, ...], Meta(description="Origins that may embed readers' pages and wall screens, separated by commas")
    ] = ()
    trusted_proxies: Annotated[
        tuple[str, ...],
        Meta(description="Networks of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed, separated by commas"),
    ] = ()
    public_url: Annotated[
        str, Meta(description="Address that readers know, for links in feeds and pages. Unset: what the request says")
    ] = ""
    publish_rate: Annotated[
        float, Meta(gt=0, le=100000, description="Items a second that one key may publish at each worker, in the long run")
    ] = 1000.0
    publish_burst: Annotated[int, Meta(ge=1, le=1000000, description="Items that one key may publish at once")] = 20000
    max_connections: Annotated[
        int, Meta(ge=0, le=10000000, description="Connections that each worker takes. 0: as its limit of open files allows")
    ] = 0
    connections_per_address: Annotated[
        int,
        Meta(
            ge=0,
            le=1000000,
            description="Connections that each worker takes of an address. 0: 1,000 of a public one, any number of private ones",
        ),
    ] = 0
    durability: Annotated[
        Literal["memory", "aof", "replica"],
        Meta(description="What a publish's `2xx` promises: in Redis' memory, on its disk, or on a replica too"),
    ] = "memory"
    grace: Annotated[float, Meta(ge=1, le=600, description="Seconds that a stop may take before it is forced")] = 10.0
    send_buffer: Annotated[
        int, Meta(ge=4096, le=67108864, description="Bytes that the kernel holds for one connection (`SO_SNDBUF`)")
    ] = 262144
    dead_after: Annotated[
        float, Meta(ge=1, le=3600, description="Seconds that a peer may leave data unacknowledged (`TCP_USER_TIMEOUT`)")
    ] = 20.0
    stuck_after: Annotated[
        float, Meta(ge=1, le=3600, description="Seconds that a peer may take nothing of what waits for it before it is closed")
    ] = 60.0
    compression: Annotated[
        bool, Meta(description="Whether streams are compressed, once for all readers, for those who accept it")
    ] = True
    tls_certificate: Annotated[
        Path | None, Meta(description="PEM file with the certificate chain, to speak TLS without a proxy")
    ] = None
    tls_key: Annotated[Path | None, Meta(description="PEM file with the certificate's key")] = None
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="The least severe message that is logged")
    ] = "info"
    log_format: Annotated[
        Literal["auto", "json", "console"], Meta(description="`auto` is coloured text on a terminal and JSON lines anywhere else")
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
    """The one line that documents the setting."""
    return _meta(_annotations()[name]).description or ""


def is_secret(name: str) -> bool:
    return bool((_meta(_annotations()[name]).extra or {}).get("secret"))


def load(environ: Mapping[str, str], path: Path | None = None, given: Mapping[str, Any] | None = None) -> Config:
    """The settings from *given* (the command line), *environ* and the TOML file at *path*, in this order."""
    values = _named(_read(path), str(path)) if path is not None else {}
    # An empty variable is an unset one: compose files and service units cannot leave a name out.
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
        raise ConfigError(f"the settings file {path} is not TOML: {exc}") from exc


def _named(values: Mapping[str, Any], source: str) -> dict[str, Any]:
    """By field, each name known."""
    known = {PREFIX + name.upper(): name for name in Config.__struct_fields__}
    found: dict[str, Any] = {}
    for name, value in values.items():
        if name in known:
            found[known[name]] = value
        elif name not in CLIENT_SETTINGS:
            near = difflib.get_close_matches(name.upper(), (*known, *CLIENT_SETTINGS), n=1, cutoff=0)
            raise ConfigError(f"{name} in {source} is no setting: did you mean {near[0]}?")
    return found


def _convert(name: str, value: Any) -> Any:
    annotation = _annotations()[name]
    if isinstance(value, str) and "tuple[" in str(annotation):
        value = [part.strip() for part in value.split(",") if part.strip()]
    try:
        return msgspec.convert(value, annotation, strict=False, dec_hook=_path)
    except msgspec.ValidationError as exc:
        shown = "" if is_secret(name) else f" is {value!r}"
        raise ConfigError(f"{PREFIX}{name.upper()}{shown}: {_rule(annotation, exc)}") from exc


def _rule(annotation: Any, exc: msgspec.ValidationError) -> str:
    kind = get_args(annotation)[0]
    if get_origin(kind) is Literal:
        return f"Expected one of {', '.join(get_args(kind))}"
    return str(exc)


def _path(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str) and value:
        return Path(value).expanduser()
    raise msgspec.ValidationError("Expected a path")
