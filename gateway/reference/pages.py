"""docs/contract.md, generated from the registry."""

import types
import typing
from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec
from msgspec import Meta, Struct

from auth.denials import Code
from auth.identity import Role
from gateway.contract.rows import CONTRACT_VERSION, EVERY_COMMAND, EventClass
from gateway.contract.scalars import VISIBLE, VISIBLE_OR_JOINED
from gateway.reference import facts, vocabulary
from gateway.reference.facts import CodeFact
from gateway.reference.listing import CONSOLE_COMMANDS, SERVER_EVENTS, SHARED_COMMANDS, VIEWER_COMMANDS
from gateway.reference.markdown import NOTICE, code, link, table

LARGEST_INTEGER = 2**53
"""The bound of every integer, left out of the page because it is always the same."""

_CLASSES = {
    EventClass.LINK: "Link: about the connection itself",
    EventClass.HISTORY: "History: replayed on recovery, in order",
    EventClass.STATE: "State: the whole value, the latest wins",
    EventClass.PERSONAL: "Personal: only to its subject, read again from SQL on connect",
    EventClass.CONSOLE: "Console: to `/console` only",
}

_INTRODUCTION = f"""\
# The contract with clients

Version {CONTRACT_VERSION} (`welcome.contract`). The same as types: [contract.gen.ts](../web-demo/src/contract.gen.ts).
The running gateway describes its HTTP routes at `/api/v1/openapi.json`. States and rights: [states.md](states.md).

* Socket.IO protocol v5. JSON at the path `/socket.io/`, the encoding of `socket.io-msgpack-parser` at
  `/socket.io-msgpack/`. Viewers use the namespace `/live`, staff uses `/console`. One socket, one room.
* `auth` on CONNECT is a flat map of strings: `token`, `room`, and optionally `cursor` (the last one received, to
  resume), `device` (a name that stays the same when a device comes back, so that it only ever replaces itself) and
  `takeover`. A refusal is a `connect_error` whose message is a code and whose data is an
  {link("ErrorBody")}; official clients do not come back from it by themselves.
* A ticket seats so many devices at once, and the newest win: another one ends with `bye SEAT_TAKEN`. With `takeover` as
  `ask` nobody is sent away; where all seats of the ticket are in use by other devices, the CONNECT is refused with
  `SEAT_TAKEN` and how many those are (`devices`), so that the app can ask before it connects again with `yes`.
  Of sockets that use no ticket (foyer, consoles) a user has `LIVEROOM_SOCKETS_PER_USER` per room, over all gateways;
  of more, the oldest ends with `bye SEAT_TAKEN`, too.
* The rates of commands, and slow mode, belong to a user in a room: all their sockets, at whatever gateway, draw from
  one budget, and a reconnect does not fill it. Likes are counted at each gateway.
* `welcome` is the first event. Every end that the server decides is announced by `bye`.
* Every command is answered by one ack: `{{"ok": true, "data": ...}}` or `{{"ok": false, "error": ...}}`, an unknown one
  by `BAD_REQUEST`.
* Ids are strings, money is an integer of minor units beside a currency code, times are integer milliseconds since
  the epoch (`_ms`); no integer is above 2^53. Unknown fields are ignored.
* `cursor` is opaque: keep the last one and send it on reconnect. `version` grows with every change of what it stands
  in; a smaller one is older news. Drop items of an `id` already seen."""


def reference() -> str:
    """The whole page."""
    staff = [command for command in VIEWER_COMMANDS if command.name in SHARED_COMMANDS]
    parts = [
        NOTICE,
        _INTRODUCTION,
        "## Server to client",
        *(part for kind, title in _CLASSES.items() for part in (f"### {title}", _events(kind))),
        "## Viewer to server",
        (
            f"Every command can be answered by {_codes(EVERY_COMMAND)}; the last column names what else each can meet. "
            "Permissions are those of `you.permissions`; a command without one asks for none."
        ),
        _viewer_commands(),
        "## Console to server",
        "The role is read from SQL at every command. A console may also send "
        + ", ".join(code(command.name) for command in staff)
        + ", as above.",
        _console_commands(),
        "## Rates",
        (
            "From the settings' defaults, for the staff as well. Beyond them the answer is `RATE_LIMITED` with "
            "`retry_after_ms`; `any` counts every event of a socket, the other budgets are a person's and come on top."
        ),
        table(
            ("budget", "setting", "default", "meaning"),
            ((rate.budget.value, code(rate.setting), str(rate.default), rate.meaning) for rate in facts.rates()),
        ),
        "## Codes",
        (
            "`retryable` means: the same request may succeed later without anybody doing anything. The HTTP status is "
            "that of the `/api` answers; codes met over HTTP alone belong to the box office."
        ),
        table(("code", "retryable", "HTTP", "met", "meaning"), (_code_row(each) for each in facts.codes())),
        "## Payloads",
        "A field marked `?` may be absent.",
        *(part for kind in vocabulary.structs() for part in _struct(kind)),
        "## Values",
        *(part for kind in vocabulary.enums() for part in _enum(kind)),
    ]
    return "\n\n".join(parts) + "\n"


def _events(kind: EventClass) -> str:
    events = [event for event in SERVER_EVENTS if event.kind is kind]
    return table(
        ("event", "payload", "meaning"),
        [(code(each.name), link(each.payload.__name__), vocabulary.promise(each.payload)) for each in events],
    )


def _viewer_commands() -> str:
    head = ("event", "payload", "ack", "permission", "rate", "meaning", "errors")
    return table(
        head,
        (
            (
                code(each.name),
                link(each.payload.__name__),
                link(each.ack.__name__),
                code(each.permission.value if each.permission else ""),
                each.rate.value,
                facts.meaning(each),
                _codes(each.errors - EVERY_COMMAND),
            )
            for each in VIEWER_COMMANDS
        ),
    )


def _console_commands() -> str:
    head = ("event", "payload", "ack", "roles", "meaning", "errors")
    return table(
        head,
        (
            (
                code(each.name),
                link(each.payload.__name__),
                link(each.ack.__name__),
                ", ".join(role.value for role in Role if role in (each.roles or ())),
                facts.meaning(each),
                _codes(each.errors - EVERY_COMMAND),
            )
            for each in CONSOLE_COMMANDS
        ),
    )


def _code_row(each: CodeFact) -> Sequence[str]:
    return code(each.code.value), "yes" if each.retryable else "no", str(each.status), ", ".join(each.met), each.meaning


def _codes(codes: Iterable[Code]) -> str:
    wanted = set(codes)
    return ", ".join(code(each.value) for each in Code if each in wanted)


def _struct(kind: type[Struct]) -> Iterable[str]:
    yield f"### {kind.__name__}"
    yield vocabulary.promise(kind)
    hints = typing.get_type_hints(kind, include_extras=True)
    docs = vocabulary.part_promises(kind)
    fields = msgspec.structs.fields(kind)
    if fields:
        columns = 3 if docs else 2
        tag = vocabulary.tag_of(kind)
        rows = [(code(tag[0]), code(f'"{tag[1]}"'), "")] if tag else []
        rows += (
            (
                code(each.name + ("?" if _may_be_absent(kind, each, hints[each.name]) else "")),
                _type(hints[each.name]) + _default(each),
                docs.get(each.name, ""),
            )
            for each in fields
        )
        yield table(("field", "type", "meaning")[:columns], (row[:columns] for row in rows))


def _may_be_absent(kind: type[Struct], field: msgspec.structs.FieldInfo, hint: object) -> bool:
    from_client = kind in {command.payload for command in (*VIEWER_COMMANDS, *CONSOLE_COMMANDS)}
    omitted = not field.required and (from_client or kind.__struct_config__.omit_defaults)
    return omitted or msgspec.UnsetType in typing.get_args(hint)


def _default(field: msgspec.structs.FieldInfo) -> str:
    value = field.default
    if field.default_factory is not msgspec.NODEFAULT or value in (msgspec.NODEFAULT, msgspec.UNSET, None, ""):
        return ""
    return f", default {code(msgspec.json.encode(value).decode())}"


def _type(hint: object) -> str:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _type(args[0]) + _bounds(args[1])
    if origin is typing.Literal:
        return " or ".join(code(f'"{value}"') for value in args)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_type(part) for part in args if part is not msgspec.UnsetType))
    if origin in (list, tuple):
        return f"list of {_type(args[0])}"
    if origin is dict:
        return f"map of {_type(args[0])} to {_type(args[1])}"
    if isinstance(hint, typing.NewType):
        return _type(hint.__supertype__)
    plain = {str: "string", int: "integer", float: "number", bool: "boolean", types.NoneType: "null"}
    if isinstance(hint, type):
        return plain.get(hint) or link(hint.__name__)
    raise TypeError(f"no words for {hint!r}")


def _bounds(meta: Meta) -> str:
    if meta.pattern not in (None, VISIBLE, VISIBLE_OR_JOINED):
        return f" matching {code(meta.pattern)}"
    is_text = meta.min_length is not None or meta.max_length is not None
    low, high = (meta.min_length, meta.max_length) if is_text else (meta.ge, meta.le)
    unit = "" if not is_text else " visible characters" if meta.pattern else " characters"
    if high == LARGEST_INTEGER:
        return "" if low in (0, -LARGEST_INTEGER) else f" (from {low})"
    if low is not None and high is not None:
        return f" ({low} to {high}{unit})"
    return "" if high is None else f" (at most {high}{unit})"


def _enum(kind: type[StrEnum]) -> Iterable[str]:
    yield f"### {kind.__name__}"
    yield vocabulary.promise(kind)
    docs = vocabulary.part_promises(kind)
    yield "\n".join(f"* `{each.value}`" + (f": {docs[each.name]}" if each.name in docs else "") for each in kind)
