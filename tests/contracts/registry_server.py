"""A schema registry in this process: the part of Confluent's documented HTTP API that `contracts register` uses.

It keeps subjects, versions, ids that are global to a schema, and a compatibility level a subject; it answers with the
documented codes, 40401, 40403, 409, 42201 and 42203. Its judgement of compatibility is a small one, of closed schemas
only: every level but NONE refuses a property that is gone, has another type, or is newly required. No registry can be
started by these tests, so what a real one thinks of our schemas is not shown here.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

LEVELS = {
    "NONE",
    *(f"{way}{kind}" for way in ("BACKWARD", "FORWARD", "FULL") for kind in ("", "_TRANSITIVE")),
}
MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"


class Refused(Exception):
    """An answer that is not 200: status, the registry's own code, its text."""


class Registry:
    """The state, and what each request does to it."""

    def __init__(self) -> None:
        self.ids: list[str] = []  # the schema with id n is at n - 1
        self.versions: dict[str, list[int]] = {}
        self.levels: dict[str, str] = {}
        self.log: list[str] = []

    def answer(self, method: str, path: str, body: Any) -> Any:
        self.log.append(f"{method} {path}")
        match [method, *map(unquote, path.strip("/").split("/"))]:
            case ["POST", "subjects", subject]:
                return self._look_up(subject, self._schema(body))
            case ["GET", "subjects", subject, "versions"]:
                return list(range(1, 1 + len(self._known(subject))))
            case ["POST", "subjects", subject, "versions"]:
                return {"id": self._register(subject, self._schema(body))}
            case ["PUT", "config", subject]:
                if body.get("compatibility") not in LEVELS:
                    raise Refused(422, 42203, "Invalid compatibility level")
                self.levels[subject] = body["compatibility"]
                return {"compatibility": self.levels[subject]}
            case _:
                raise Refused(404, 404, "HTTP 404 Not Found")

    def _schema(self, body: Any) -> str:
        assert body["schemaType"] == "JSON"
        schema = json.loads(body["schema"])
        if schema.get("type", "object") != "object":
            raise Refused(422, 42201, "Invalid schema")
        return json.dumps(schema)

    def _known(self, subject: str) -> list[int]:
        if subject not in self.versions:
            raise Refused(404, 40401, f"Subject '{subject}' not found.")
        return self.versions[subject]

    def _look_up(self, subject: str, schema: str) -> Any:
        for version, number in enumerate(self._known(subject), 1):
            if self.ids[number - 1] == schema:
                return {"subject": subject, "id": number, "version": version, "schema": schema}
        raise Refused(404, 40403, "Schema not found")

    def _register(self, subject: str, schema: str) -> int:
        level = self.levels.get(subject, "BACKWARD")
        earlier = self.versions.get(subject, [])
        judged = [] if level == "NONE" else earlier if level.endswith("_TRANSITIVE") else earlier[-1:]
        for number in judged:
            differences = _differences(json.loads(self.ids[number - 1]), json.loads(schema))
            if differences:
                raise Refused(
                    409,
                    409,
                    f'Schema being registered is incompatible with an earlier schema for subject "{subject}", '
                    f"details: {differences}",
                )
        if schema not in self.ids:
            self.ids.append(schema)
        number = self.ids.index(schema) + 1
        if number not in earlier:
            self.versions.setdefault(subject, []).append(number)
        return number


def _differences(old: Any, new: Any) -> list[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    return [
        *(f"PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL {name}" for name in before if name not in after),
        *(
            f"TYPE_CHANGED {n}"
            for n in before
            if n in after and before[n].get("type") != after[n].get("type")
        ),
        *(
            f"REQUIRED_ATTRIBUTE_ADDED {name}"
            for name in new.get("required", [])
            if name not in old.get("required", [])
        ),
    ]


@contextmanager
def serving(registry: Registry) -> Iterator[str]:
    """Its address, while it is served."""

    class Handler(BaseHTTPRequestHandler):
        def _respond(self) -> None:
            assert self.headers["Content-Type"] == MEDIA_TYPE
            given = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, content = 200, None
            try:
                content = registry.answer(self.command, self.path, json.loads(given) if given else None)
            except Refused as refusal:
                status, code, message = refusal.args
                content = {"error_code": code, "message": message}
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", MEDIA_TYPE)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = _respond

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: the test looks at `log`."""

    with server_of(Handler) as url:
        yield url


@contextmanager
def server_of(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Any handler on loopback, for answers no registry would give as well."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
