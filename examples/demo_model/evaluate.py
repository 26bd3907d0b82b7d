"""Asks a model all held-out questions: evaluate.py MODEL OUT.json [--sluice COMMAND]

MODEL is a checkpoint folder, answered by transformers in float32, or with --sluice whatever the command opens. An
answer is right if all that follows the thinking is, to the byte. Two results are compared with --same-as."""
import argparse
import collections
import json
import subprocess
import sys

from held_out import cases, without_thinking

LONGEST = 200  # tokens of an answer


class Transformers:
    def __init__(self, folder):
        import torch
        from transformers import AutoTokenizer, Lfm2MoeForCausalLM
        self.torch = torch
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = Lfm2MoeForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

    def answer(self, prompt):
        ids = self.tokenizer.encode(prompt, add_special_tokens=False, return_tensors="pt")
        with self.torch.no_grad():
            out = self.model.generate(ids, attention_mask=self.torch.ones_like(ids), do_sample=False,
                                      max_new_tokens=LONGEST)[0, ids.shape[1]:].tolist()
        if out and out[-1] == self.tokenizer.eos_token_id:
            out.pop()
        return self.tokenizer.decode(out, skip_special_tokens=False), out


class Sluice:
    def __init__(self, command, model, options):
        self.start = [command, "generate", model, "--temp", "0", "--json", "-n", str(LONGEST), "--no-bos", *options]

    def answer(self, prompt):
        done = subprocess.run([*self.start, "--prompt", prompt], capture_output=True, text=True, check=True)
        found = json.loads(done.stdout)
        return found["text"], found["ids"]


def table(results):
    groups = collections.defaultdict(list)
    for each in results:
        for group in ("all " + {"call": "tool calls", "answer": "answers", "json": "JSON answers"}[each["kind"]],
                      f"{each['kind']}: {each['category']}", f"{each['language']}: {each['kind']}"):
            groups[group].append(each["is_right"])
    return "\n".join(f"| {name} | {sum(found)} of {len(found)} | {100 * sum(found) / len(found):.1f} % |"
                     for name, found in sorted(groups.items()))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("out")
    parser.add_argument("--sluice", help="the command; without it transformers answers")
    parser.add_argument("--option", action="append", default=[], help="for sluice generate, for example --option=-t1")
    parser.add_argument("--every", type=int, default=1, help="only every n-th case")
    parser.add_argument("--same-as", help="another result; says how many answers are the same tokens")
    options = parser.parse_args()
    engine = Sluice(options.sluice, options.model, options.option) if options.sluice else Transformers(options.model)
    wanted = list(cases())[::options.every]
    results = []
    for i, case in enumerate(wanted):
        text, ids = engine.answer(case["prompt"])
        results.append({**case, "text": text, "ids": ids, "is_right": without_thinking(text) == case["expected"]})
        if sys.stderr.isatty():
            print(f"\r{i + 1} of {len(wanted)}", end="", file=sys.stderr)
    with open(options.out, "w", encoding="utf-8") as file:
        json.dump(results, file, ensure_ascii=False, indent=1)
    print(table(results))
    if options.same_as:
        with open(options.same_as, encoding="utf-8") as file:
            others = {each["prompt"]: each["ids"] for each in json.load(file)}
        both = [each for each in results if each["prompt"] in others]
        same = sum(each["ids"] == others[each["prompt"]] for each in both)
        print(f"{same} of {len(both)} answers are the same tokens as in {options.same_as}")


if __name__ == "__main__":
    main()
