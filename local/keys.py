"""The keys of a local installation, made at its first start and kept where only its owner can read them."""

import json
import os
import secrets
from pathlib import Path

from pydantic import SecretStr

from local.place import LocalError
from settings import Settings

KEYS = ("token_secret", "secret_key")


def with_keys(settings: Settings, *names: str) -> Settings:
    """The settings with the keys that they lack (those of `KEYS`, or only those named), from DATA_DIRECTORY/keys.json.

    The file is made when missing. Raises LocalError in production, where each machine would make keys of its own.
    """
    missing = [name for name in names or KEYS if getattr(settings, name) is None]
    if settings.token_public_key or settings.token_jwks_url:
        missing = [name for name in missing if name != "token_secret"]
    if not missing:
        return settings
    if settings.production:
        raise LocalError(f"{' and '.join(name.upper() for name in missing)} must be set in production")
    kept = _kept(settings.data_directory / "keys.json")
    return settings.model_copy(update={name: SecretStr(kept[name]) for name in missing})


def _kept(path: Path) -> dict[str, str]:
    """The keys in the file; when there is none, new ones are written first."""
    if not path.exists():
        _write_once(path, json.dumps({name: secrets.token_urlsafe(48) for name in KEYS}))
    try:
        kept = json.loads(path.read_text("utf-8"))
        return {name: kept[name] for name in KEYS}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LocalError(f"{path} is not readable as a file of keys: {error!r}; put it right or remove it") from None


def _write_once(path: Path, content: str) -> None:
    """Write a file whole, for its owner only, unless another process was first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
