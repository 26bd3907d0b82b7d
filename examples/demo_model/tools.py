"""The tools that the dialogues know, and how a call of one is written."""
import json
from dataclasses import dataclass, field

STRING, NUMBER, INTEGER = "string", "number", "integer"

# name: (its parameters, which of them a call must give)
SIGNATURES = {
    "set_light": ({"room": STRING, "state": ("on", "off"), "brightness": INTEGER}, ("room",)),
    "set_heating": ({"room": STRING, "celsius": NUMBER}, ("room", "celsius")),
    "set_timer": ({"minutes": INTEGER, "label": STRING}, ("minutes",)),
    "add_event": ({"title": STRING, "day": STRING, "time": STRING}, ("title", "day", "time")),
    "list_events": ({"day": STRING}, ("day",)),
    "convert": ({"value": NUMBER, "unit": STRING, "target": STRING}, ("value", "unit", "target")),
    "calculate": ({"expression": STRING}, ("expression",)),
    "add_to_list": ({"list": STRING, "item": STRING}, ("list", "item")),
    "read_list": ({"list": STRING}, ("list",)),
}

JSON_INSTRUCTION = "Output function calls as JSON."


@dataclass(frozen=True)
class Call:
    name: str
    arguments: dict = field(hash=False)


def schema(name):
    """The tool as a function object with a JSON schema of its parameters."""
    parameters, required = SIGNATURES[name]
    properties = {
        key: {"type": "string", "enum": list(kind)} if isinstance(kind, tuple) else {"type": kind}
        for key, kind in parameters.items()}
    return {"name": name, "parameters": {"type": "object", "properties": properties, "required": list(required)}}


def pythonic(calls):
    def value(x):
        # The family writes strings in single quotes without escapes, so the words here hold none.
        return f"'{x}'" if isinstance(x, str) else str(x)

    return "[" + ", ".join(
        f"{call.name}({', '.join(f'{key}={value(x)}' for key, x in call.arguments.items())})" for call in calls) + "]"


def as_json(calls):
    return json.dumps([{"name": call.name, "arguments": call.arguments} for call in calls], ensure_ascii=False)


def written(calls, in_json):
    """The block of calls as the model has to write it."""
    return "<|tool_call_start|>" + (as_json(calls) if in_json else pythonic(calls)) + "<|tool_call_end|>"
