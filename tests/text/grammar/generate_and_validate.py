"""Lets a model write documents under each schema of schemas.json and asks python3-jsonschema whether they satisfy it.

generate_and_validate.py SLUICE MODEL [--each 20] [--temperature 1.5] [--tokens 1500] [--every 1]

SLUICE is the command, MODEL any model; one with random weights, as `sluice random-model` writes it, is the hardest.
Prints one line for each schema that fails and a summary; the exit code is 0 when no finished document was wrong.
Documents that were not finished after so many tokens are counted apart. Needs `apt-get install python3-jsonschema`.
"""

import argparse
import collections
import concurrent.futures
import json
import pathlib
import subprocess
import sys
import tempfile

import jsonschema


def generate(arguments, schema_file, seed):
    command = [arguments.sluice, "generate", arguments.model, "--ids", "1", "--schema", schema_file, "--sampling", "plain",
               "--temp", str(arguments.temperature), "--seed", str(seed), "-n", str(arguments.tokens), "--json", "-t", "1"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def judge(arguments, text):
    schema = json.loads(text)
    check = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker(["date", "email", "ipv4", "ipv6", "uuid"]))
    outcomes = collections.Counter()
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        for seed in range(1, arguments.each + 1):
            answer = generate(arguments, file.name, seed)
            if answer["reason"] not in ("stop_token", "constraint"):
                outcomes["unfinished"] += 1
                continue
            try:
                check.validate(json.loads(answer["text"]))
                outcomes["valid"] += 1
            except (ValueError, jsonschema.ValidationError) as wrong:
                outcomes["wrong"] += 1
                print(f"{text}\n  seed {seed}: {answer['text']!r}\n  {str(wrong).splitlines()[0]}")
    return outcomes


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sluice")
    parser.add_argument("model")
    parser.add_argument("--each", type=int, default=20)
    parser.add_argument("--temperature", type=float, default=1.5)
    parser.add_argument("--tokens", type=int, default=1500)
    parser.add_argument("--every", type=int, default=1, help="take every Nth schema")
    arguments = parser.parse_args()
    cases = json.loads(pathlib.Path(__file__).with_name("schemas.json").read_text(encoding="utf-8"))
    schemas = [case["schema"] for case in cases][::arguments.every]
    total = collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for outcomes in pool.map(lambda schema: judge(arguments, schema), schemas):
            total += outcomes
    print(f"{len(schemas)} schemas, {arguments.each} documents each: {total['valid']} valid, {total['wrong']} wrong, "
          f"{total['unfinished']} unfinished after {arguments.tokens} tokens")
    sys.exit(1 if total["wrong"] or not total["valid"] else 0)


main()
