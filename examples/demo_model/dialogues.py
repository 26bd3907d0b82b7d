"""Whole dialogues: some exchanges in one language, with a system message and a list of tools. Seeded by number."""
import hashlib
import random

import exchanges
from languages import LANGUAGES
from tools import JSON_INSTRUCTION, SIGNATURES, schema

KINDS = {
    "tool": 46, "parallel": 11, "follow_up": 7, "refusal": 8, "question": 9, "json": 6, "sum": 11, "small_talk": 2}
SINGLE = {
    "tool": exchanges.request_for_tool, "parallel": exchanges.parallel, "refusal": exchanges.refusal,
    "question": exchanges.question, "json": exchanges.json_answer, "sum": exchanges.mental_sum,
    "small_talk": exchanges.small_talk}
GREETINGS = ("You are a home assistant.", "You are an office assistant.", "You are a helpful assistant.")


def is_held_out(key):
    """One in ten contents is held out, in all languages and wordings alike."""
    if key[0] == "talk":
        return False
    return hashlib.sha256(repr(key).encode()).digest()[0] % 10 == 0


def lies_on(exchange, held_out):
    keys = exchange.key if isinstance(exchange.key[0], tuple) else (exchange.key,)
    return all(is_held_out(key) == held_out for key in keys)


def made(rng, language, kind, held_out):
    """Exchanges of that kind, all on the wanted side of the split."""
    while True:
        found = exchanges.follow_up(rng, language) if kind == "follow_up" else (SINGLE[kind](rng, language),)
        if all(lies_on(exchange, held_out) for exchange in found):
            return list(found)


def offered_tools(rng, chosen):
    """The tools that are needed, and others; none that a refusal forbids. None at all only if none is needed."""
    needed = {call.name for exchange in chosen for call in exchange.calls}
    forbidden = {name for exchange in chosen for name in exchange.forbidden}
    if needed & forbidden:
        return None
    others = [name for name in SIGNATURES if name not in needed | forbidden]
    most = 4 if rng.random() < 0.15 else 2
    count = rng.randrange(0, most + 1)
    if not needed and any(exchange.category == "refusal" for exchange in chosen):
        count = max(count, 1)
    names = [*needed, *rng.sample(others, min(count, len(others)))]
    names.sort()
    rng.shuffle(names)
    return names


def messages_of(exchange):
    yield {"role": "user", "content": exchange.user}
    if exchange.calls:
        calls = [{"type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                 for call in exchange.calls]
        yield {"role": "assistant", "thinking": exchange.thinking, "tool_calls": calls}
        for result in exchange.results:
            yield {"role": "tool", "content": result}
        yield {"role": "assistant", "content": exchange.answer}
    else:
        yield {"role": "assistant", "thinking": exchange.thinking, "content": exchange.answer}


def dialogue(number, seed, held_out=False, kind=None):
    """Dialogue `number` of the stream `seed`: messages, tools, and the exchanges behind them. The same numbers
    give the same dialogue on every machine. With a kind, the last exchange is of that kind."""
    rng = random.Random(f"sluice demo {seed} {held_out} {kind} {number}")
    while True:
        language = rng.choices(LANGUAGES, (50, 25, 25))[0]
        count = rng.choices((1, 2, 3), (70, 22, 8))[0]
        offered = [each for each in KINDS if not (held_out and each == "small_talk")]  # small talk is learned by heart
        kinds = rng.choices(offered, [KINDS[each] for each in offered], k=count)
        if kind is not None:
            kinds[-1] = kind
        chosen = [exchange for each in kinds for exchange in made(rng, language, each, held_out)]
        names = offered_tools(rng, chosen)
        if names is not None:
            break
    in_json = rng.random() < 0.25
    system = rng.choice(GREETINGS) + (" " + JSON_INSTRUCTION if in_json else "")
    messages = [{"role": "system", "content": system}]
    for exchange in chosen:
        messages.extend(messages_of(exchange))
    return {"messages": messages, "tools": [schema(name) for name in names], "exchanges": chosen, "in_json": in_json,
            "language": language.NAME}
