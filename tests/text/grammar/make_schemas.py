"""Writes schemas.json: schemas with documents that satisfy them and documents that do not, as python3-jsonschema
judges. make_schemas.py [OUT]; needs `apt-get install python3-jsonschema`.

Documents that satisfy a schema are written in the form that constraints generate (lib/text/grammar/json_schema.h):
properties in the schema's order and, where additionalProperties is not given, only those that it names.
"""

import itertools
import json
import pathlib
import sys

import jsonschema

NUMBERS = [0, 1, -1, 2, 3, 5, 6, 7, 9, 10, 11, 12, 15, 20, 30, 99, 100, 101, 1000, -5, -10, -11, 0.5, 1.5, 2.25, -0.5,
           -2.5, 9.99, 10.0001, 123456789, 3.25, 2.4999]
STRINGS = ["", "a", "b", "ab", "abc", "abcd", "abcde", "abcdef", "xyz", "a1", "A", "é", "日本語", "a b", 'q"q', "b\\s",
           "l\ni", "😀", "12", "123", "2024-02-29", "\u001f", "tab\t", "/"]
ARRAYS = [[], [1], [1, 2], [1, 2, 3], [1, 2, 3, 4], ["a"], ["a", "b"], ["a", 1], [1, "a"], [None], [True, False], [[1], [2]],
          [0, 0], ["a", 1, 2], ["a", "b", 3], [1.5], [{}], [[[]]]]
OBJECTS = [{}, {"a": 1}, {"a": "x"}, {"b": 2}, {"a": 1, "b": 2}, {"a": 1, "b": "x"}, {"a": 1, "b": 2, "c": 3}, {"c": 3},
           {"b": 2, "c": 3}, {"a": None}, {"a": {}}, {"x1": 1}, {"x1": "s"}, {"a": 1, "x1": 1}, {"zz": True}, {"a": 1, "zz": 2},
           {"a": 1, "b": 2, "zz": 3}, {"a": True}, {"é": 1}]
# Those that python3-jsonschema judges without other packages, and as RFC 3339 does.
FORMATS = ["date", "email", "ipv4", "ipv6", "uuid"]
OTHERS = [None, True, False]
ALL = OTHERS + NUMBERS[:12] + STRINGS[:8] + ARRAYS[:8] + OBJECTS[:8]

cases = []


def names_known(schema, document):
    """Only properties that the schema names, unless it says something about others."""
    text = json.dumps(schema)
    if "additionalProperties" in text or "properties" not in text.replace("patternProperties", "properties"):
        return True
    if not isinstance(document, dict):
        return True
    if "patternProperties" in text:
        if "anyOf" in text and len(document) > 1:
            return False
        return all(name.startswith("x") or f'"{name}"' in text for name in document)
    return all(f'"{name}":' in text for name in document)


def add(schema, pool=(), valid=(), invalid=(), refuses=None):
    jsonschema.Draft202012Validator.check_schema(schema)
    check = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker(FORMATS))
    good, bad = [], []
    for document in pool:
        if check.is_valid(document):
            if names_known(schema, document):
                good.append(document)
        else:
            bad.append(document)
    for document in valid:
        assert check.is_valid(document), (schema, document)
        good.append(document)
    for document in invalid:
        assert not check.is_valid(document), (schema, document)
        bad.append(document)
    # One with a space after commas and colons, the next without.
    forms = itertools.cycle([(", ", ": "), (",", ":")])
    cases.append({
        "schema": json.dumps(schema, ensure_ascii=False),
        "valid": [json.dumps(d, separators=next(forms), ensure_ascii=i % 3 == 2) for i, d in enumerate(good)],
        "pretty": [json.dumps(d, indent=2, ensure_ascii=False) for d in good],
        "invalid": [json.dumps(d, ensure_ascii=False) for d in bad],
    })


def pairs(fragments, pool, base):
    for fragment in fragments:
        add({**base, **fragment}, pool)
    for one, other in itertools.combinations(fragments, 2):
        if not set(one) & set(other):
            add({**base, **one, **other}, pool)


# Everything and nothing.
add(True, ALL)
add({}, ALL)
add({"title": "t", "description": "d", "default": 1, "examples": [1], "$comment": "c", "x-own": {}, "readOnly": True}, ALL)
for name in ["null", "boolean", "integer", "number", "string", "array", "object"]:
    add({"type": name}, [d for d in ALL if not isinstance(d, float)])
for one, other in itertools.combinations(["null", "boolean", "integer", "number", "string", "array", "object"], 2):
    add({"type": [one, other]}, [d for d in ALL if not isinstance(d, float)])

# Keywords of one type, alone and in pairs.
pairs([{"minimum": 2}, {"maximum": 10}, {"exclusiveMinimum": 1.5}, {"exclusiveMaximum": 11}, {"multipleOf": 3},
       {"enum": [1, 3, 6, 10, "a"]}, {"const": 6}, {"anyOf": [{"maximum": 5}, {"minimum": 9}]},
       {"allOf": [{"minimum": -1}, {"maximum": 20}]}], NUMBERS, {"type": "number"})
pairs([{"minimum": -10}, {"maximum": 100}, {"exclusiveMinimum": -5}, {"exclusiveMaximum": 101}, {"multipleOf": 5},
       {"multipleOf": 1}], [n for n in NUMBERS if isinstance(n, int)] + ["1", None], {"type": "integer"})
for low, high in [(0, 0), (0, 9), (7, 12), (-3, 3), (-120, -7), (95, 1005), (-1000, 1000), (0.5, 0.75), (-0.25, 10.5),
                  (2.25, 2.5), (-2.5, -0.5), (1e-3, 1e3)]:
    add({"type": "number", "minimum": low, "maximum": high}, NUMBERS)
    add({"type": "number", "exclusiveMinimum": low, "exclusiveMaximum": high + 1}, NUMBERS)
    if isinstance(low, int):
        add({"type": "integer", "minimum": low, "maximum": high}, [n for n in NUMBERS if isinstance(n, int)])
pairs([{"minLength": 2}, {"maxLength": 4}, {"pattern": "^[a-c]*$"}, {"enum": ["a", "abc", "abcde", "é", 1]}, {"const": "abc"},
       {"format": "date"}, {"anyOf": [{"maxLength": 1}, {"minLength": 3}]}, {"allOf": [{"pattern": "b"}, {"minLength": 1}]}],
      STRINGS, {"type": "string"})
for pattern in ["a", "^a", "a$", "^a$", "^[a-z]{2,3}$", "^(a|ab)*$", "\\d", "^[^a]*$", "^.{2}$", "b|x", "\\\\", "\"", "é", "^$"]:
    add({"type": "string", "pattern": pattern}, STRINGS)
pairs([{"items": {"type": "integer"}}, {"prefixItems": [{"type": "string"}, {"type": ["string", "integer"]}]}, {"minItems": 1},
       {"maxItems": 2}, {"uniqueItems": False}, {"anyOf": [{"maxItems": 1}, {"minItems": 3}]}], ARRAYS, {"type": "array"})
add({"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False}, ARRAYS)
add({"type": "array", "items": False}, ARRAYS)
add({"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}, ARRAYS)
add({"type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "integer"}}, ARRAYS)
add({"type": "array", "maxItems": 0}, ARRAYS)
pairs([{"properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}}, {"required": ["a"]},
       {"additionalProperties": {"type": "integer"}}, {"patternProperties": {"^x": {"type": "integer"}}}, {"minProperties": 1},
       {"maxProperties": 2}, {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}], OBJECTS, {"type": "object"})
add({"type": "object", "additionalProperties": False}, OBJECTS)
add({"type": "object", "properties": {"a": True}, "additionalProperties": True}, OBJECTS)
add({"type": "object", "properties": {"a": False, "b": True}}, OBJECTS)
add({"type": "object", "patternProperties": {"^x": {"type": "integer"}, "1$": {"minimum": 1}}, "additionalProperties": False}, OBJECTS)
add({"type": "object", "properties": {"a": {"type": "integer"}}, "patternProperties": {"a": {"minimum": 1}},
     "additionalProperties": {"type": "boolean"}}, OBJECTS)
add({"type": "object", "maxProperties": 0}, OBJECTS)

# Types beside keywords of others, which then say nothing.
for fragment in [{"minLength": 2}, {"minimum": 2}, {"minItems": 1}, {"required": ["a"]}, {"pattern": "a"}, {"maxItems": 1}]:
    add(fragment, ALL)
    add({"type": ["string", "integer", "array"], **fragment}, ALL)

# Lists of values.
add({"enum": [None, True, 1, "a", [1, "b"], {"a": {"b": [None]}}]}, ALL, valid=[[1, "b"], {"a": {"b": [None]}}])
add({"const": {"a": [1, 2, {"b": "c"}]}}, ALL, valid=[{"a": [1, 2, {"b": "c"}]}])
add({"const": None}, ALL)
add({"const": ""}, ALL)
add({"enum": ["a", "b"], "const": "b"}, ALL)
add({"enum": ["red", "green", "blue", "red-ish", "réd", 'q"', "b\\", "\n"]}, valid=["red", "red-ish", "réd", 'q"', "b\\", "\n"],
    invalid=["", "re", "bluee", "n"])
add({"enum": [1, 2, 1.5, -7, 1000000]}, NUMBERS)
add({"enum": [f"value {i}" for i in range(500)]}, valid=["value 0", "value 499", "value 42"], invalid=["value", "value 500"])

# Alternatives and conjunctions.
STRING_OR_NUMBER = [{"type": "string", "maxLength": 3}, {"type": "integer", "minimum": 5}]
for keyword in ["anyOf", "oneOf"]:
    add({keyword: STRING_OR_NUMBER}, ALL)
    add({keyword: [{"type": "null"}, {"type": "array", "items": {keyword: STRING_OR_NUMBER}}]}, ALL, valid=[["ab", 7]])
    add({"type": "object", "properties": {"v": {keyword: STRING_OR_NUMBER}}, "required": ["v"]}, valid=[{"v": "a"}, {"v": 5}],
        invalid=[{"v": 4}, {"v": "abcd"}, {}])
    add({keyword: [{"const": "a"}, {"const": 1}], "type": "string"}, ALL)
    add({"type": "object", "properties": {"a": {"type": "integer"}}, keyword: [{"required": ["a"]}, {"maxProperties": 0}]}, OBJECTS)
add({"anyOf": [{"type": "string"}, {"minLength": 2}]}, ALL)
add({"anyOf": [{"type": "string"}, {"type": "integer"}], "oneOf": [{"minLength": 2, "type": "string"}, {"minimum": 3, "type": "integer"}]},
    ALL)
add({"allOf": [{"type": ["string", "integer"]}, {"type": ["integer", "null"]}]}, ALL)
add({"allOf": [{"type": "object", "properties": {"a": {"type": "integer"}}}, {"properties": {"a": {"minimum": 1}, "b": {"type": "integer"}},
     "required": ["b"]}]}, OBJECTS)
add({"allOf": [{"minLength": 1}, {"maxLength": 3}, {"pattern": "^a"}], "type": "string"}, STRINGS)
add({"allOf": [{"anyOf": [{"type": "string"}, {"type": "integer"}]}, {"anyOf": [{"maxLength": 2}, {"minimum": 5}]}]},
    [d for d in ALL if not isinstance(d, (list, dict))])
add({"allOf": [{"allOf": [{"allOf": [{"type": "integer"}]}]}]}, ALL)
add({"allOf": [True, {"type": "null"}]}, ALL)
add({"anyOf": [False, {"type": "boolean"}]}, ALL)

# References.
add({"$defs": {"p": {"type": "integer", "minimum": 1}}, "$ref": "#/$defs/p"}, ALL)
add({"$defs": {"p": {"type": "integer"}}, "$ref": "#/$defs/p", "maximum": 3}, ALL)
add({"definitions": {"n a/m~e": {"type": "string"}}, "type": "array", "items": {"$ref": "#/definitions/n%20a~1m~0e"}}, ARRAYS)
add({"type": "object", "properties": {"value": {"type": "integer"}, "next": {"$ref": "#"}}, "required": ["value"]},
    valid=[{"value": 1}, {"value": 1, "next": {"value": 2, "next": {"value": 3}}}], invalid=[{}, {"value": 1, "next": {}}, {"value": 1, "next": 2}])
TREE = {"$defs": {"node": {"type": "object", "properties": {"name": {"type": "string"},
        "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}}, "required": ["name", "children"]}}, "$ref": "#/$defs/node"}
add(TREE, valid=[{"name": "r", "children": []}, {"name": "r", "children": [{"name": "c", "children": [{"name": "", "children": []}]}]}],
    invalid=[{"name": "r"}, {"name": "r", "children": [{}]}, []])
add({"$defs": {"e": {"anyOf": [{"type": "integer"}, {"type": "array", "items": {"$ref": "#/$defs/e"}, "minItems": 1}]}}, "$ref": "#/$defs/e"},
    valid=[1, [1], [[2], 3, [[4]]]], invalid=[[], "a", [[]], [1, []]])
add({"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}], "$defs": {"a": {"type": "string"}, "b": {"maxLength": 2}}}, ALL)
add({"type": "array", "prefixItems": [{"type": "integer"}, {"$ref": "#/prefixItems/0"}]}, ARRAYS)

# Formats: what python3-jsonschema does not judge is chosen so that any validator agrees.
add({"type": "string", "format": "date"}, valid=["2024-02-29", "1999-12-31", "2000-02-29", "2023-01-01"],
    invalid=["2023-02-29", "2024-13-01", "2024-00-10", "2024-04-31", "1900-02-29", "24-01-01", "2024-1-1", ""])
add({"type": "string", "format": "time"}, valid=["12:30:00Z", "23:59:59.123+02:00"])
add({"type": "string", "format": "date-time"}, valid=["2024-02-29T12:30:00Z", "1999-12-31T23:59:59.5-11:30"])
add({"type": "string", "format": "duration"}, valid=["P1D", "P1Y2M3D", "PT5M", "P1DT2H", "P3W"])
add({"type": "string", "format": "email"}, valid=["a@b.c", "first.last+tag@example.org"], invalid=["a", ""])
add({"type": "string", "format": "hostname"}, valid=["example.org", "a", "a-b.c"])
add({"type": "string", "format": "ipv4"}, valid=["0.0.0.0", "192.168.1.255"], invalid=["256.1.1.1", "1.2.3", "01.2.3.4", ""])
add({"type": "string", "format": "ipv6"}, valid=["::", "::1", "2001:db8::8a2e:370:7334", "1:2:3:4:5:6:7:8"], invalid=["1:2", ":::", "g::", "1::2::3"])
add({"type": "string", "format": "uuid"}, valid=["123e4567-e89b-12d3-a456-426614174000"], invalid=["123e4567", "123e4567e89b12d3a456426614174000"])
add({"type": "string", "format": "uri"}, valid=["https://example.org/a/b?c=d#e", "mailto:a@b.c", "urn:isbn:0451450523", "http://localhost:8080/"])
add({"type": "string", "format": "json-pointer"}, valid=["", "/a/b~1c", "/0"])
add({"type": "string", "format": "date", "pattern": "^2024"}, valid=["2024-02-29"], invalid=["2023-01-01"])
add({"type": "string", "format": "ipv4", "maxLength": 7}, valid=["1.2.3.4"], invalid=["10.20.30.40"])

# What people use.
PERSON = {"type": "object", "properties": {"name": {"type": "string", "minLength": 1}, "age": {"type": "integer", "minimum": 0, "maximum": 150},
          "email": {"type": "string", "format": "email"}, "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 3},
          "address": {"type": "object", "properties": {"street": {"type": "string"}, "zip": {"type": "string", "pattern": "^[0-9]{5}$"}},
                      "required": ["street", "zip"], "additionalProperties": False}}, "required": ["name", "age"], "additionalProperties": False}
add(PERSON, valid=[{"name": "Ann", "age": 30}, {"name": "Bo", "age": 0, "email": "b@o.io", "tags": ["x", "y"],
                   "address": {"street": "Main", "zip": "12345"}}, {"name": "C", "age": 150, "tags": []}],
    invalid=[{"name": "", "age": 1}, {"name": "A"}, {"name": "A", "age": 151}, {"name": "A", "age": 1, "x": 2},
             {"name": "A", "age": 1, "address": {"street": "s", "zip": "1234"}}])
add({"type": "object", "properties": {"sentiment": {"enum": ["positive", "negative", "neutral"]}, "confidence": {"type": "number", "minimum": 0, "maximum": 1}},
     "required": ["sentiment", "confidence"]}, valid=[{"sentiment": "positive", "confidence": 0.93}, {"sentiment": "neutral", "confidence": 1}, {"sentiment": "negative", "confidence": 0}],
    invalid=[{"sentiment": "ok", "confidence": 0.5}, {"sentiment": "positive", "confidence": 1.01}, {"sentiment": "positive"}])
add({"type": "object", "properties": {"steps": {"type": "array", "minItems": 1, "items": {"type": "object", "properties": {
     "kind": {"const": "move"}, "x": {"type": "number"}, "y": {"type": "number"}}, "required": ["kind", "x", "y"]}}}, "required": ["steps"]},
    valid=[{"steps": [{"kind": "move", "x": 1, "y": -2.5}]}], invalid=[{"steps": []}, {"steps": [{"kind": "stop", "x": 1, "y": 1}]}])
add({"oneOf": [{"type": "object", "properties": {"type": {"const": "circle"}, "r": {"type": "number"}}, "required": ["type", "r"]},
               {"type": "object", "properties": {"type": {"const": "box"}, "w": {"type": "number"}, "h": {"type": "number"}}, "required": ["type", "w", "h"]}]},
    valid=[{"type": "circle", "r": 1.5}, {"type": "box", "w": 1, "h": 2}], invalid=[{"type": "circle", "w": 1, "h": 2}, {"type": "box", "w": 1}, {}])
add({"type": ["object", "null"], "properties": {"id": {"type": "integer"}}, "required": ["id"]}, valid=[None, {"id": 4}], invalid=[{}, {"id": "4"}, 1])
add({"type": "object", "properties": {"date": {"type": "string", "format": "date"}, "rows": {"type": "array", "items": {"type": "array",
     "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False, "minItems": 2}}}, "required": ["date", "rows"]},
    valid=[{"date": "2024-05-06", "rows": []}, {"date": "2024-05-06", "rows": [["a", 1], ["b", 2]]}],
    invalid=[{"date": "2024-05-06", "rows": [["a"]]}, {"date": "x", "rows": []}, {"date": "2024-05-06", "rows": [["a", 1, 2]]}])
for n in [1, 2, 5, 12, 40]:
    names = [f"p{i}" for i in range(n)]
    add({"type": "object", "properties": {name: {"type": "integer"} for name in names}, "required": names[::2]},
        valid=[{name: 1 for name in names}, {name: 2 for name in names[::2]}], invalid=[{name: 1 for name in names[1:]}, {name: "1" for name in names}])
    add({"type": "object", "properties": {name: {"type": "boolean"} for name in names}, "maxProperties": max(1, n // 2), "minProperties": 1},
        valid=[{names[0]: True}, {name: False for name in names[:max(1, n // 2)]}], invalid=[{}])
for n in [0, 1, 3, 64, 1000]:
    add({"type": "string", "maxLength": n}, valid=["x" * n, "é" * n], invalid=["x" * (n + 1), "日" * (n + 1)])
    add({"type": "string", "minLength": n}, valid=["x" * n, "😀" * (n + 1)], invalid=["x" * (n - 1)] if n else [])
    add({"type": "array", "minItems": n, "maxItems": n + 1, "items": {"type": "null"}}, valid=[[None] * n, [None] * (n + 1)],
        invalid=[[None] * (n + 2)] + ([[None] * (n - 1)] if n else []))

# Where nothing satisfies the schema, there is nothing to generate.
judged = [case for case in cases if case["valid"]]
impossible = [case["schema"] for case in cases if not case["valid"]]
out = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).with_name("schemas.json"))
with out.open("w", encoding="utf-8") as file:
    file.write("[\n" + ",\n".join(json.dumps(case, ensure_ascii=False) for case in judged) + "\n]\n")
print(f"{len(judged)} schemas, {sum(len(c['valid']) for c in judged)} documents that satisfy them and "
      f"{sum(len(c['invalid']) for c in judged)} that do not; without any that does: {len(impossible)}")
for schema in impossible:
    print("  ", schema)
