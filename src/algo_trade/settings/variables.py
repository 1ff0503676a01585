"""The environment variable of every setting, derived from the model so that the two cannot drift.

`ibkr.port` is IBKR_PORT, `kill_switch.pnl_usd` is KILL_SWITCH_PNL_USD. The plan's own names that do not follow
the rule are listed as exceptions.
"""

import difflib
import re
import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr

from algo_trade.settings.model import Settings

Path = tuple[str, ...]

_EXCEPTIONS: dict[Path, str] = {("vault", "use"): "USE_VAULT", ("data_dir",): "ALGOTRADE_DATA_DIR"}

# Not a setting of the environment: chosen with --profile (ENVIRONMENT must agree with it).
_NO_VARIABLE = {("profile",)}

# Names under our prefixes that belong to other programs: Kafka's own scripts and Vault's own command.
_FOREIGN = re.compile(
    "KAFKA_(HOME|DEBUG|([A-Z0-9_]+_)?OPTS)"
    "|VAULT_(NAMESPACE|CACERT|CACERT_BYTES|CAPATH|CLIENT_CERT|CLIENT_KEY|CLIENT_TIMEOUT|FORMAT|MAX_RETRIES"
    "|SKIP_VERIFY|TLS_SERVER_NAME)"
)


@dataclass(frozen=True, slots=True)
class Variable:
    """One setting: its environment name, its place in the settings, and whether it must never be shown."""

    name: str
    path: Path
    secret: bool

    @property
    def dotted(self) -> str:
        """The place as yaml and the documentation write it: `ibkr.port`."""
        return ".".join(self.path)


def _mentions_secret(annotation: Any) -> bool:
    if get_origin(annotation) in (Union, types.UnionType, Annotated):
        return any(_mentions_secret(part) for part in get_args(annotation))
    return annotation is SecretStr


def _walk(model: type[BaseModel], prefix: Path) -> Iterable[Variable]:
    for field, info in model.model_fields.items():
        path = (*prefix, field)
        annotation = info.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _walk(annotation, path)
        elif path not in _NO_VARIABLE:
            name = _EXCEPTIONS.get(path, "_".join(path).upper())
            yield Variable(name, path, _mentions_secret(annotation))


VARIABLES: Mapping[str, Variable] = {variable.name: variable for variable in _walk(Settings, ())}
BY_PATH: Mapping[Path, Variable] = {variable.path: variable for variable in VARIABLES.values()}

# What .env may hold besides, for deploy/docker-compose.yml to hand to others; never read here. True: a secret.
DEPLOYMENT: Mapping[str, bool] = {
    "TWS_USERID": True,
    "TWS_PASSWORD": True,
    "VNC_SERVER_PASSWORD": True,
    "SESSION_NAME": False,
    "SESSION_DURATION": False,
}

SECTIONS: tuple[str, ...] = tuple(dict.fromkeys(path[0] for path in BY_PATH if len(path) > 1))

# An unknown name that starts so was meant for us. Derived: one prefix a section, and our own.
PREFIXES = (*(f"{section.upper()}_" for section in SECTIONS), "ALGOTRADE_")


def is_unknown(name: str, strategies: Iterable[str] = ()) -> bool:
    """True for a name under one of our prefixes, or a strategy's, that is no setting and no other program's."""
    prefixes = (*PREFIXES, *(f"{strategy.upper()}_" for strategy in strategies))
    return name.upper().startswith(prefixes) and name not in VARIABLES and not _FOREIGN.fullmatch(name)


def suggestion(name: str, known: Iterable[str]) -> str:
    """ "; did you mean X?" for the nearest known name, else nothing."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def secret_values(settings: Settings) -> tuple[str, ...]:
    """The secrets themselves, for those who must keep them out of what they write."""
    values = (attrgetter(variable.dotted)(settings) for variable in VARIABLES.values() if variable.secret)
    return tuple(value.get_secret_value() for value in values if value)


def shown_as(path: Path) -> str:
    """How to name a setting to a person: its variable where it has one."""
    variable = BY_PATH.get(path)
    return variable.name if variable else ".".join(path)
