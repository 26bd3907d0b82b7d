"""Trains the demo model: train.py FOLDER. Goes on where it stopped; FOLDER/model is the checkpoint at the end."""
import argparse
import itertools
import json
import os
import sys
import time

import torch
import torch.distributed
from tokenizers import Tokenizer
from transformers import Lfm2MoeForCausalLM

import train_tokenizer
from batches import batches
from configuration import VOCABULARY, configuration
from muon import Muon
from router_balance import RouterBalance

WARM_UP = 300_000  # tokens


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tokens", type=float, default=8e6, help="length of the training, padding included")
    parser.add_argument("--batch", type=int, default=8192, help="tokens in a batch, padding included")
    parser.add_argument("--rate", type=float, default=2e-3, help="learning rate of the matrices")
    parser.add_argument("--embedding-rate", type=float, default=3e-3, help="learning rate of everything else")
    parser.add_argument("--optimizer", choices=("muon", "adamw"), default="muon")
    parser.add_argument("--processes", type=int, default=2, help="each computes its share of a batch with one thread")
    parser.add_argument("--save-every", type=int, default=50, help="steps between checkpoints")
    return parser.parse_args()


def prepared_tokenizer(folder, seed):
    path = os.path.join(folder, "model", "tokenizer.json")
    if not os.path.exists(path):
        train_tokenizer.save(train_tokenizer.train(VOCABULARY, seed, 20000), os.path.join(folder, "model"))


def new_model(seed):
    torch.manual_seed(seed)
    config = configuration()
    config._attn_implementation = "sdpa"
    config._experts_implementation = "eager"
    model = Lfm2MoeForCausalLM(config)
    with torch.no_grad():
        model.model.embed_tokens.weight.normal_(std=0.05)
    return model.train()


def optimizers(model, options):
    """Matrices inside the layers go one way; embeddings, routers, norms and taps the other."""
    matrices, others = [], []
    for name, parameter in model.named_parameters():
        is_matrix = parameter.ndim >= 2 and "embed" not in name and "gate.weight" not in name and "conv.conv" not in name
        (matrices if is_matrix and options.optimizer == "muon" else others).append(parameter)
    found = [torch.optim.AdamW(others, lr=options.embedding_rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True)]
    if matrices:
        found.append(Muon(matrices, lr=options.rate))
    for optimizer in found:
        for group in optimizer.param_groups:
            group["highest"] = group["lr"]
    return found


def rate_at(tokens, all_tokens):
    """Short warm-up, constant, then down to nearly nothing over the last part."""
    if tokens < WARM_UP:
        return tokens / WARM_UP + 0.01
    share = tokens / all_tokens
    return 1.0 if share < 0.6 else 0.02 + 0.98 * (1 - share) / 0.4


def loss_of(model, ids, learned):
    """Mean cross entropy of the learned tokens; the head is computed only where one of them follows."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = model.model(ids, use_cache=False).last_hidden_state
        is_asked = learned[:, 1:]
        logits = model.lm_head(hidden[:, :-1][is_asked])
    wanted = ids[:, 1:][is_asked]
    right = (logits.argmax(-1) == wanted).float().mean()
    return torch.nn.functional.cross_entropy(logits.float(), wanted), float(right)


def show(text):
    sys.stderr.write("\r" + text + ("" if sys.stderr.isatty() else "\n"))
    sys.stderr.flush()


def progress_bar(share):
    done = int(30 * min(1.0, share))
    return "[" + "#" * done + "." * (30 - done) + "]"


def save_state(path, model, found, step, tokens, seconds, log):
    torch.save({"model": model.state_dict(), "optimizers": [each.state_dict() for each in found], "step": step,
                "tokens": tokens, "seconds": seconds, "log": log}, path + ".part")
    os.replace(path + ".part", path)


def share_gradients(model):
    """The mean over all processes, in one message."""
    gradients = [parameter.grad for parameter in model.parameters()]
    flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
    torch.distributed.all_reduce(flat)
    flat /= torch.distributed.get_world_size()
    for gradient, mean in zip(gradients, flat.split([gradient.numel() for gradient in gradients])):
        gradient.copy_(mean.view_as(gradient))


def one_step(model, balance, found, rate, ids, learned):
    """Returns loss, share of tokens that were right, and the busiest expert's load."""
    for optimizer in found:
        for group in optimizer.param_groups:
            group["lr"] = group["highest"] * rate
    balance.is_token = (ids != train_tokenizer.PAD).reshape(-1)
    loss, right = loss_of(model, ids, learned)
    loss.backward()
    share_gradients(model)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in found:
        optimizer.step()
        optimizer.zero_grad()
    for count in balance.counts:
        torch.distributed.all_reduce(count)
    seen = torch.tensor([float(loss.detach()), right])
    torch.distributed.all_reduce(seen)
    return *(seen / torch.distributed.get_world_size()).tolist(), balance.update(rate)


def train(rank, options):
    torch.set_num_threads(1)
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{os.path.abspath(options.folder)}/meeting", rank=rank,
        world_size=options.processes)
    tokenizer = Tokenizer.from_file(os.path.join(options.folder, "model", "tokenizer.json"))
    model = new_model(options.seed)
    balance = RouterBalance(model)
    found = optimizers(model, options)
    step, tokens, seconds, log = 0, 0, 0.0, []
    state_path = os.path.join(options.folder, "state.pt")
    if os.path.exists(state_path):
        state = torch.load(state_path)
        model.load_state_dict(state["model"])
        for optimizer, each in zip(found, state["optimizers"]):
            optimizer.load_state_dict(each)
        step, tokens, seconds, log = state["step"], state["tokens"], state["seconds"], state["log"]
    if rank == 0:
        show(f"{sum(p.numel() for p in model.parameters())} weights, from step {step}")
    started, sums = time.monotonic() - seconds, [0.0, 0.0, 0.0, 0]
    stream = batches(tokenizer, options.seed, options.batch // options.processes, step * options.processes)
    while tokens < options.tokens:
        # Each process makes all batches and takes its own, so that all agree on how far they are.
        turn = list(itertools.islice(stream, options.processes))
        loss, right, worst = one_step(model, balance, found, rate_at(tokens, options.tokens), *turn[rank])
        step, tokens = step + 1, tokens + sum(ids.numel() for ids, _ in turn)
        sums = [sums[0] + loss, sums[1] + right, max(sums[2], worst), sums[3] + 1]
        seconds = time.monotonic() - started
        if step % 10 == 0:
            mean, hits = sums[0] / sums[3], sums[1] / sums[3]
            log.append({"step": step, "tokens": tokens, "loss": mean, "right": hits, "busiest": sums[2]})
            left = seconds / tokens * (options.tokens - tokens)
            if rank == 0:
                show(f"{progress_bar(tokens / options.tokens)} step {step} loss {mean:.4f} right {hits:.4f} busiest "
                     f"{sums[2]:.2f} {tokens / seconds:.0f} tokens/s, {left / 60:.0f} min left")
            sums = [0.0, 0.0, 0.0, 0]
        is_last = tokens >= options.tokens
        if rank == 0 and (is_last or step % options.save_every == 0):
            save_state(state_path, model, found, step, tokens, seconds, log)
    if rank == 0:
        model.save_pretrained(os.path.join(options.folder, "model"))
        with open(os.path.join(options.folder, "log.json"), "w", encoding="utf-8") as file:
            json.dump({"seconds": seconds, "steps": step, "tokens": tokens, "options": vars(options), "log": log}, file)


def main():
    options = arguments()
    os.makedirs(options.folder, exist_ok=True)
    prepared_tokenizer(options.folder, options.seed)
    meeting = os.path.join(options.folder, "meeting")
    if os.path.exists(meeting):
        os.remove(meeting)
    torch.multiprocessing.spawn(train, (options,), nprocs=options.processes)


if __name__ == "__main__":
    main()
