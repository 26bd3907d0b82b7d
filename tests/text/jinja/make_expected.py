"""What jinja2 makes of small templates and of whole ones, with the settings of transformers.

python3 make_expected.py    (needs jinja2 3.1; no other package)

Writes expressions.json (every line of expressions.txt, and the templates of statements.json) and families.json
(families/*.jinja with conversations.json). The tests compare with these files; Python is not needed to run them.
An error is written as {"error": its kind}: that there is one is compared, its words are ours.
"""
import datetime
import glob
import json
import os

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = os.path.dirname(os.path.abspath(__file__))
NOW = 1700000000  # 2023-11-14 22:13:20

VARIABLES = {
    "s": "Hello, World", "empty": "", "u": "Grüße, ünïcode 日本語 🙂", "lines": "one\ntwo\n\n three\n",
    "n": 7, "zero": 0, "neg": -3, "f": 2.5, "big": 9007199254740993, "t": True, "no": False, "nil": None,
    "a": [3, 1, 2], "words": ["pear", "Apple", "fig", "apple"], "nested": [[1, 2], [3, [4, 5]]],
    "d": {"b": 1, "a": 2, "C": 3, "items": "shadow"}, "q": "it's \"quoted\" \\ <&>",
    "people": [{"name": "Ann", "age": 30, "tags": ["x"]}, {"name": "bob", "age": 25, "tags": []},
               {"name": "Cid", "age": 30}],
    "deep": {"x": {"y": [{"z": "found"}]}}, "floats": [1.0, 0.1, 1e16, 1e-5, 123456789.125, -0.0, 1e22],
}


class Generation(Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_run"), [], [], body).set_lineno(line)

    def _run(self, caller):
        return caller()


def environment():
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                        extensions=[Generation, loopcontrols])

    def refuse(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators,
                          sort_keys=sort_keys)

    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = refuse
    env.globals["strftime_now"] = lambda form: datetime.datetime.utcfromtimestamp(NOW).strftime(form)
    return env


def result(env, source, variables):
    try:
        return {"text": env.from_string(source).render(**variables)}
    except Exception as failure:  # whatever it is, ours has to refuse too
        return {"error": type(failure).__name__}


def write(name, value):
    with open(os.path.join(HERE, name), "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, indent=1)
        file.write("\n")


def read(name):
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        return file.read()


def main():
    env = environment()
    sources = ["{{ " + line + " }}" for line in read("expressions.txt").split("\n") if line]
    sources += json.loads(read("statements.json"))
    write("expected.json", {"variables": VARIABLES, "local_time": NOW,
                            "cases": [{"source": each, **result(env, each, VARIABLES)} for each in sources]})
    conversations = json.loads(read("conversations.json"))
    families = []
    for path in sorted(glob.glob(os.path.join(HERE, "families", "*.jinja"))):
        with open(path, encoding="utf-8", newline="") as file:
            source = file.read()
        for name, variables in conversations.items():
            families.append({"template": os.path.basename(path), "conversation": name,
                             **result(env, source, variables)})
    write("families.json", families)


if __name__ == "__main__":
    main()
