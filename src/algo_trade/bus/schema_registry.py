"""The schemas of the messages in a schema registry, for readers that are not ours and for tools that show records.

The registry is one that speaks Confluent's HTTP API. Our own planes never ask it: they know their messages by their
models and by the record's headers, so a session neither needs a registry nor stops with it.

**Subjects** are named by topic and message, `order_intents-OrderAmendment` (TopicRecordNameStrategy). The topic alone
could not name them, since order_intents and market_events carry two messages each; the message alone would bind topics
together that may move apart, and would not tell two prefixes of topics on one cluster from one another.

**Compatibility** is BACKWARD_TRANSITIVE: who has the newest schema can read every record still kept. A message may gain
optional fields, and because our schemas are closed (a field nobody declared is refused) an older reader does refuse a
newer record: readers are brought up to date before writers. FULL would forbid the very fields the rule allows.

What can go wrong, sorted by what the caller does next:

RegistryError
├── RegistryUnreachable    try again later: nobody answers at this address, or not as a schema registry does
└── RegistryRefuses        this one schema is wrong, and the text is the registry's reason
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, ClassVar, Literal
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from algo_trade.contracts import TOPICS, Message, Topic
from algo_trade.contracts.schemas import schema_of
from algo_trade.exit_codes import ExitCode
from algo_trade.settings.rules import is_loopback

COMPATIBILITY = "BACKWARD_TRANSITIVE"
_MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
_ANSWER_BYTES_MAX = 4 * 1024 * 1024
_NOT_FOUND = 404
_REFUSALS = (409, 422)  # incompatible with what is there; not a schema


class RegistryError(Exception):
    """The schema registry did not do what it was asked."""

    exit_code: ClassVar[ExitCode] = ExitCode.UNREACHABLE


class RegistryUnreachable(RegistryError):
    """Nobody answers, or not as a schema registry does; the text names the address."""


class RegistryRefuses(RegistryError):
    """This schema is refused; the text is the registry's own reason."""

    exit_code: ClassVar[ExitCode] = ExitCode.GATE_FAILED


@dataclass(frozen=True, slots=True)
class Registration:
    """What became of one subject. `schema_id` is the registry's; None, with the reason, where it refused."""

    subject: str
    outcome: Literal["registered", "unchanged", "refused"]
    schema_id: int | None = None
    reason: str = ""


class _NoRedirects(HTTPRedirectHandler):
    """A redirect could lead to an address the settings would not have allowed."""

    def redirect_request(self, *_args: Any, **_more: Any) -> None:
        return None


def subjects(prefix: str = "", topics: Mapping[str, Topic] = TOPICS) -> Iterator[tuple[str, type[Message]]]:
    """Every subject with its message, in the order of topics.yaml. `prefix` is that of the topics on the cluster."""
    for name, topic in topics.items():
        for model in topic.models:
            yield f"{prefix}{name}-{model.__name__}", model


class SchemaRegistry:
    """A registry at `url`. Every request waits at most `timeout_s` for its answer."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s
        # Whatever proxy the environment names, this machine is not reached through it.
        here = is_loopback(urlsplit(url).hostname or "")
        self._opener = build_opener(_NoRedirects, *([ProxyHandler({})] if here else []))

    def register_all(self, wanted: Iterable[tuple[str, type[Message]]]) -> list[Registration]:
        """One entry a subject, the refused ones among them. Raises RegistryUnreachable at the first silence."""
        return [self.register(subject, schema_of(model)) for subject, model in wanted]

    def register(self, subject: str, schema: Mapping[str, Any]) -> Registration:
        """Have the subject hold this schema, and guard whatever follows it; doing it twice changes nothing."""
        body = {"schemaType": "JSON", "schema": json.dumps(schema, ensure_ascii=False, separators=(",", ":"))}
        place = f"/subjects/{quote(subject, safe='')}"
        try:
            known = self._ask("POST", place, body)
            if known is not None:
                number = self._id_in(known)
                self._guard(subject)
                return Registration(subject, "unchanged", number)
            # A new subject has nothing to be compatible with, and some registries guard only subjects that exist.
            is_new = self._ask("GET", f"{place}/versions") is None
            if not is_new:
                self._guard(subject)
            number = self._id_in(self._ask("POST", f"{place}/versions", body))
            if is_new:
                self._guard(subject)
        except RegistryRefuses as refusal:
            return Registration(subject, "refused", reason=str(refusal))
        return Registration(subject, "registered", number)

    def _guard(self, subject: str) -> None:
        place = f"/config/{quote(subject, safe='')}"
        if self._ask("PUT", place, {"compatibility": COMPATIBILITY}) is None:
            raise RegistryUnreachable(f"the schema registry at {self._url} cannot guard {subject}")

    def _id_in(self, answer: Any) -> int:
        number = answer.get("id") if isinstance(answer, dict) else None
        if not isinstance(number, int):
            raise RegistryUnreachable(
                f"what answers at {self._url} is no schema registry: an answer without id"
            )
        return number

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer's JSON; None where the registry knows no such thing."""
        request = Request(  # noqa: S310  # the settings allow http and https only
            self._url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": _MEDIA_TYPE, "Accept": f"{_MEDIA_TYPE}, application/json"},
        )
        try:
            with self._opener.open(request, timeout=self._timeout_s) as answer:
                return self._json(answer.read(_ANSWER_BYTES_MAX))
        except HTTPError as error:
            with error:
                told = self._told(error)
            if error.code in _REFUSALS:
                raise RegistryRefuses(told) from None
            # A registry says not found in JSON, with a code of its own; any web server says it in HTML.
            if error.code == _NOT_FOUND and told:
                return None
            raise RegistryUnreachable(
                f"the schema registry at {self._url} answers {method} {path} with {error.code}: {told or error.reason}"
            ) from None
        except (URLError, HTTPException, OSError) as error:
            reason = getattr(error, "reason", None) or error
            raise RegistryUnreachable(
                f"the schema registry at {self._url} cannot be reached: {reason}"
            ) from None

    def _json(self, data: bytes) -> Any:
        try:
            return json.loads(data)
        except ValueError:
            raise RegistryUnreachable(
                f"what answers at {self._url} is no schema registry: it sends no JSON"
            ) from None

    @staticmethod
    def _told(error: HTTPError) -> str:
        """The registry's words on what it refuses; empty where it has none."""
        try:
            content = json.loads(error.read(_ANSWER_BYTES_MAX))
        except (ValueError, HTTPException, OSError):
            return ""
        return str(content.get("message", "")) if isinstance(content, dict) else ""
