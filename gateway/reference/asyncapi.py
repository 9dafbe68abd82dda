"""The contract as an AsyncAPI 3 document: `liveroom contract`, and /docs/asyncapi.json of a running gateway.

Seen from the gateway: it sends the server events and receives the commands, each with one reply. What AsyncAPI has no
words for stands under `x-`: classes of events, codes, rates and state machines.
"""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from auth.denials import Code
from auth.door import Surface
from gateway.contract.link import ErrorBody
from gateway.contract.rows import CONTRACT_VERSION, REFUSALS, EventClass, ServerEvent
from gateway.reference import facts, vocabulary
from gateway.reference.facts import Machine
from gateway.reference.listing import CONSOLE_COMMANDS, SERVER_EVENTS, SHARED_COMMANDS, VIEWER_COMMANDS
from gateway.replica.feature import AnyCommand

Json = dict[str, Any]

SCHEMAS = "#/components/schemas/{name}"
CHANNELS = {Surface.LIVE: "live", Surface.CONSOLE: "console"}


@cache
def asyncapi() -> str:
    """The whole document as text. Built once: it follows from the code alone."""
    document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "live-room-gateway",
            "version": CONTRACT_VERSION,
            "description": (
                "Socket.IO protocol v5 over Engine.IO v4. Channels are namespaces; each event is a Socket.IO event of "
                "that name with one argument. `auth` on CONNECT is a flat map of strings: `token`, `room`, optional "
                "`cursor`, `device`, `takeover` (`yes`, `ask`). A refusal is a `connect_error` whose message is a code."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "json": _server("/socket.io/", "Socket.IO's own JSON packets."),
            "msgpack": _server("/socket.io-msgpack/", "The encoding of socket.io-msgpack-parser."),
        },
        "channels": {name: _channel(surface) for surface, name in CHANNELS.items()},
        "operations": {key: operation for surface in CHANNELS for key, operation in _operations(surface).items()},
        "components": {"schemas": _schemas(), "messages": _messages()},
        "x-classes": [{"name": each.value, "meaning": _class_promise(each)} for each in EventClass],
        "x-codes": [
            {
                "code": each.code.value,
                "retryable": each.retryable,
                "http": each.status,
                "met": each.met,
                "meaning": each.meaning,
            }
            for each in facts.codes()
        ],
        "x-rates": [
            {
                "budget": each.budget.value,
                "setting": each.setting,
                "default": each.default,
                "meaning": each.meaning,
            }
            for each in facts.rates()
        ],
        "x-machines": [_machine(each) for each in facts.machines()],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def events_of(surface: Surface) -> list[ServerEvent[Any]]:
    """What the gateway sends on a namespace."""
    return [event for event in SERVER_EVENTS if surface is Surface.CONSOLE or event.kind is not EventClass.CONSOLE]


def commands_of(surface: Surface) -> list[AnyCommand]:
    """What it receives there."""
    if surface is Surface.LIVE:
        return list(VIEWER_COMMANDS)
    return [*CONSOLE_COMMANDS, *(command for command in VIEWER_COMMANDS if command.name in SHARED_COMMANDS)]


def _machine(machine: Machine) -> Json:
    return {
        "name": machine.name,
        "meaning": machine.promise,
        "states": [{"name": name, "meaning": meaning} for name, meaning in _members(machine.states)],
        "events": [{"name": name, "meaning": meaning} for name, meaning in _members(machine.events)],
        "edges": [{"from": edge.at, "to": edge.to, "event": edge.event} for edge in machine.edges],
    }


def _members(kind: type[StrEnum] | None) -> list[tuple[str, str]]:
    """Values and what they promise."""
    if kind is None:
        return []
    promises = vocabulary.part_promises(kind)
    return [(each.value, promises.get(each.name, "")) for each in kind]


def _class_promise(kind: EventClass) -> str:
    return vocabulary.part_promises(EventClass)[kind.name]


def _server(pathname: str, description: str) -> Json:
    return {
        "host": "127.0.0.1:8000",
        "pathname": pathname,
        "protocol": "ws",
        "protocolVersion": "13",
        "description": f"{description} WebSocket or polling, upgrade included.",
    }


def _channel(surface: Surface) -> Json:
    keys = [_sent(event) for event in events_of(surface)]
    for command in commands_of(surface):
        keys += [_received(command), _answered(command)]
    return {
        "address": surface.value,
        "title": "Viewers" if surface is Surface.LIVE else "Hosts and moderators",
        "description": (
            "Every socket is in one room. Anybody with a token whom the door lets in."
            if surface is Surface.LIVE
            else "The same room as its staff sees and steers it. Roles are read from SQL at every command."
        ),
        "messages": {key: {"$ref": f"#/components/messages/{key}"} for key in keys},
        "x-refusals": sorted(code.value for code in REFUSALS),
    }


def _operations(surface: Surface) -> dict[str, Json]:
    channel = CHANNELS[surface]

    def message(key: str) -> Json:
        return {"$ref": f"#/channels/{channel}/messages/{key}"}

    operations: dict[str, Json] = {
        f"{channel}.send.{_key(event.name)}": {
            "action": "send",
            "channel": {"$ref": f"#/channels/{channel}"},
            "summary": _summary(event.payload),
            "messages": [message(_sent(event))],
        }
        for event in events_of(surface)
    }
    for command in commands_of(surface):
        operations[f"{channel}.receive.{_key(command.name)}"] = {
            "action": "receive",
            "channel": {"$ref": f"#/channels/{channel}"},
            "summary": facts.meaning(command).split("\n")[0],
            "messages": [message(_received(command))],
            "reply": {"channel": {"$ref": f"#/channels/{channel}"}, "messages": [message(_answered(command))]},
        }
    return operations


def _messages() -> dict[str, Json]:
    messages: dict[str, Json] = {}
    for event in SERVER_EVENTS:
        messages[_sent(event)] = {
            "name": event.name,
            "title": event.name,
            "summary": _summary(event.payload),
            "payload": _schema_of(event.payload),
            "x-class": event.kind.value,
        }
    for command in (*VIEWER_COMMANDS, *CONSOLE_COMMANDS):
        messages[_received(command)] = {
            "name": command.name,
            "title": command.name,
            "summary": facts.meaning(command).split("\n")[0],
            "payload": _schema_of(command.payload),
            "x-rate": command.rate.value,
            **({"x-permission": command.permission.value} if command.permission else {}),
            **({"x-roles": sorted(command.roles)} if command.roles else {}),
        }
        messages[_answered(command)] = {
            "name": f"{command.name} (ack)",
            "title": f"The one ack of {command.name}",
            "payload": {
                "oneOf": [
                    {
                        "type": "object",
                        "required": ["ok", "data"],
                        "properties": {"ok": {"const": True}, "data": _schema_of(command.ack)},
                    },
                    {
                        "type": "object",
                        "required": ["ok", "error"],
                        "properties": {
                            "ok": {"const": False},
                            "error": {
                                "allOf": [
                                    _schema_of(ErrorBody),
                                    {"properties": {"code": {"enum": sorted(code.value for code in command.errors)}}},
                                ]
                            },
                        },
                    },
                ]
            },
        }
    return messages


def _schemas() -> dict[str, Json]:
    _, components = msgspec.json.schema_components(vocabulary.structs(), ref_template=SCHEMAS)
    for schema in components.values():
        _name_discriminators(schema)
    for struct in vocabulary.structs():
        _describe_fields(components[struct.__name__], vocabulary.part_promises(struct))
    for kind in vocabulary.enums():
        components[kind.__name__]["enum"] = [each.value for each in kind]
    components["Code"] = {"title": "Code", "enum": sorted(code.value for code in Code), "description": Code.__doc__}
    return components


def _describe_fields(schema: Json, promises: Mapping[str, str]) -> None:
    for name, promise in promises.items():
        field = schema["properties"][name]
        # beside a reference nothing else is read
        schema["properties"][name] = {**({"allOf": [field]} if "$ref" in field else field), "description": promise}


def _name_discriminators(schema: object) -> None:
    """Msgspec writes OpenAPI's discriminator objects; AsyncAPI takes the name of the property."""
    if isinstance(schema, dict):
        if isinstance(schema.get("discriminator"), dict):
            schema["discriminator"] = schema["discriminator"]["propertyName"]
        for part in schema.values():
            _name_discriminators(part)
    elif isinstance(schema, list):
        for part in schema:
            _name_discriminators(part)


def _schema_of(kind: type[Struct]) -> Json:
    return {"$ref": SCHEMAS.format(name=kind.__name__)}


def _summary(kind: type[Struct]) -> str:
    return vocabulary.promise(kind).split("\n")[0]


def _sent(event: ServerEvent[Any]) -> str:
    return _key(event.name)


def _received(command: AnyCommand) -> str:
    return f"{_key(command.name)}.command"


def _answered(command: AnyCommand) -> str:
    return f"{_key(command.name)}.ack"


def _key(event: str) -> str:
    """AsyncAPI keys take no colon."""
    return event.replace(":", ".")
