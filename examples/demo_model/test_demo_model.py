"""Checks of the dialogues. The standard library is enough; the template is checked where transformers is installed."""
import importlib.util
import itertools
import json
import os
import unittest

from dialogues import dialogue, is_held_out, lies_on
from held_out import cases
from languages import LANGUAGES
from rendering import rendered
from tools import SIGNATURES

HERE = os.path.dirname(os.path.abspath(__file__))
SEED = 1


def many(count, held_out=False):
    return (dialogue(number, SEED, held_out) for number in range(count))


class Dialogues(unittest.TestCase):
    def test_a_number_and_a_seed_give_one_dialogue(self):
        for number in range(50):
            self.assertEqual(dialogue(number, SEED)["messages"], dialogue(number, SEED)["messages"])
        self.assertNotEqual(dialogue(0, SEED)["messages"], dialogue(0, SEED + 1)["messages"])

    def test_what_is_held_out_is_never_asked_in_training(self):
        asked = {exchange.user for each in many(20000) for exchange in each["exchanges"]}
        held_out = [exchange for each in many(600, held_out=True) for exchange in each["exchanges"]]
        self.assertGreater(len(held_out), 600)
        for exchange in held_out:
            self.assertTrue(lies_on(exchange, True), exchange.key)
            if exchange.category != "follow_up":  # "And in the hall?" asks for what the message before it says
                self.assertNotIn(exchange.user, asked)

    def test_about_a_tenth_of_all_contents_is_held_out(self):
        keys = [("sum", a, "+", b) for a in range(100) for b in range(100)]
        self.assertAlmostEqual(sum(map(is_held_out, keys)) / len(keys), 0.1, delta=0.02)

    def test_prompts_of_the_evaluation_are_none_of_training(self):
        rendered_in_training = {rendered(each["messages"], each["tools"], each["in_json"]) for each in many(5000)}
        for case in cases(counts={"tool": 30, "parallel": 10, "follow_up": 10, "refusal": 10, "question": 10,
                                  "json": 10, "sum": 10}):
            self.assertFalse(any(text.startswith(case["prompt"]) for text in rendered_in_training))

    def test_calls_name_offered_tools_and_give_what_they_require(self):
        for each in itertools.chain(many(2000), many(300, held_out=True)):
            offered = {tool["name"] for tool in each["tools"]}
            for exchange in each["exchanges"]:
                self.assertFalse(offered & set(exchange.forbidden))
                for call in exchange.calls:
                    parameters, required = SIGNATURES[call.name]
                    self.assertIn(call.name, offered)
                    self.assertLessEqual(set(call.arguments), set(parameters))
                    self.assertLessEqual(set(required), set(call.arguments))
                    for value in call.arguments.values():
                        self.assertNotIn("'", str(value))

    def test_sums_are_right_and_worked_out(self):
        seen = 0
        for each in many(3000):
            for exchange in each["exchanges"]:
                if exchange.category != "sum":
                    continue
                _, a, operator, b = exchange.key
                result = a + b if operator == "+" else a - b
                self.assertTrue(exchange.thinking.endswith(f"; {result}"))
                for step in exchange.thinking.split("; ")[:-1]:
                    asked, answer = step.split("=")
                    x, y, carry = map(int, asked.replace("-", "+").split("+"))
                    self.assertEqual(int(answer), x + y + carry if operator == "+" else x - y - carry)
                seen += 1
        self.assertGreater(seen, 100)

    def test_every_language_has_every_sentence(self):
        english = LANGUAGES[0]
        for language in LANGUAGES[1:]:
            for name in ("REQUESTS", "ANSWERS", "TOPICS", "FACTS", "ROOMS", "LISTS", "WEEKDAYS", "MONTHS", "UNITS"):
                self.assertEqual(set(getattr(english, name)), set(getattr(language, name)), name)


class Rendering(unittest.TestCase):
    def test_a_dialogue_is_written_as_the_family_writes_it(self):
        call = {"type": "function", "function": {"name": "set_timer", "arguments": {"minutes": 5, "label": "tea"}}}
        messages = [
            {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello!"},
            {"role": "assistant", "thinking": "Small talk.", "content": "Hello."},
            {"role": "user", "content": "Tea, 5 minutes."},
            {"role": "assistant", "thinking": "I need set_timer.", "tool_calls": [call]},
            {"role": "tool", "content": {"status": "ok"}}]
        text = rendered(messages, [{"name": "set_timer"}], in_json=False, asks=True)
        self.assertEqual(text, (
            '<|startoftext|><|im_start|>system\nBe brief.\nList of tools: [{"name": "set_timer"}]<|im_end|>\n'
            "<|im_start|>user\nHello!<|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>\n"
            "<|im_start|>user\nTea, 5 minutes.<|im_end|>\n<|im_start|>assistant\n<think>I need set_timer.</think>"
            "<|tool_call_start|>[set_timer(minutes=5, label='tea')]<|tool_call_end|><|im_end|>\n"
            '<|im_start|>tool\n{"status": "ok"}<|im_end|>\n<|im_start|>assistant\n'))

    @unittest.skipUnless(importlib.util.find_spec("transformers"), "transformers is not installed")
    def test_the_template_writes_the_same(self):
        from transformers.utils.chat_template_utils import render_jinja_template
        with open(os.path.join(HERE, "chat_template.jinja"), encoding="utf-8") as file:
            template = file.read()
        for number in range(500):
            each = dialogue(number, SEED)
            messages = json.loads(json.dumps(each["messages"]))
            for asks, shown in ((False, messages), (True, messages[:-1])):
                texts, _ = render_jinja_template(
                    [shown], chat_template=template, tools=each["tools"] or None, add_generation_prompt=asks,
                    bos_token="<|startoftext|>")
                self.assertEqual(texts[0], rendered(shown, each["tools"], each["in_json"], asks))


if __name__ == "__main__":
    unittest.main()
