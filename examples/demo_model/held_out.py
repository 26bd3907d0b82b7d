"""Questions to the model from dialogues that it never saw, with the only right answers.

held_out.py OUT.json writes the few that the tests of the repository ask."""
import json
import sys

from dialogues import KINDS, dialogue
from rendering import assistant_text, rendered

# How many dialogues of each kind; "tool" are nine kinds of requests.
COUNTS = {"tool": 270, "parallel": 60, "follow_up": 40, "refusal": 40, "question": 50, "json": 50, "sum": 50}
assert set(COUNTS) == set(KINDS) - {"small_talk"}


def without_thinking(text):
    return text.rpartition("</think>")[2]


def cases_of(each):
    """The last exchange of a dialogue as one case, or as two where a tool is called: the call and the answer."""
    messages, exchange = each["messages"], each["exchanges"][-1]
    last_user = max(i for i, message in enumerate(messages) if message["role"] == "user")
    for i in range(last_user + 1, len(messages)):
        if messages[i]["role"] != "assistant":
            continue
        kind = "call" if "tool_calls" in messages[i] else "json" if exchange.category == "json" else "answer"
        yield {
            "kind": kind, "category": exchange.category, "language": each["language"], "in_json": each["in_json"],
            "prompt": rendered(messages[:i], each["tools"], each["in_json"], asks=True),
            "expected": assistant_text(messages[i], each["in_json"], keeps_thinking=False)}


def cases(seed=1, counts=None):
    for kind, count in (counts or COUNTS).items():
        for number in range(count):
            yield from cases_of(dialogue(number, seed, held_out=True, kind=kind))


if __name__ == "__main__":
    few = cases(counts={kind: count // 16 for kind, count in COUNTS.items()})
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(list(few), file, ensure_ascii=False, indent=0)
        file.write("\n")
