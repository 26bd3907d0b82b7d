"""How busy each expert is on held-out dialogues: router_load.py FOLDER OUT.json"""
import json
import sys

import torch
from transformers import Lfm2MoeForCausalLM
from tokenizers import Tokenizer

from dialogues import dialogue
from rendering import rendered
from router_balance import RouterBalance


def main():
    folder, out = sys.argv[1:]
    tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
    model = Lfm2MoeForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    balance = RouterBalance(model)
    n_tokens = 0
    for number in range(300):
        each = dialogue(number, seed=1, held_out=True)
        text = rendered(each["messages"], each["tools"], each["in_json"])
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        n_tokens += len(ids)
        with torch.no_grad():
            model.model(torch.tensor([ids]), use_cache=False)
    first = model.config.num_dense_layers
    shares = {first + i: [round(x, 3) for x in share.tolist()] for i, share in enumerate(balance.shares())}
    for layer, share in shares.items():
        print(f"layer {layer}: least {min(share)}, most {max(share)} of a fair share")
    with open(out, "w", encoding="utf-8") as file:
        json.dump({"tokens": n_tokens, "shares": shares}, file)


if __name__ == "__main__":
    main()
