"""Dialogues as token ids, in batches of about equal length. Batch n is the same in every run with that seed.

Each row is one dialogue: what is left of a row's end is padding to its right, which a causal model never sees."""
import random

import torch

from dialogues import dialogue
from rendering import pieces
from train_tokenizer import PAD

LONGEST = 640      # tokens; longer dialogues are left out
POOL = 3000        # dialogues that are sorted by length together


def encoded(tokenizer, found):
    """For each dialogue its ids, and for each id whether it is learned."""
    texts, marks, lengths = [], [], []
    for each in found:
        parts = list(pieces(each["messages"], each["tools"], each["in_json"]))
        lengths.append(len(parts))
        texts.extend(text for text, _ in parts)
        marks.extend(is_learned for _, is_learned in parts)
    # Every part ends at a special token or at a line break before one, where no piece of text spans the border.
    codes = [code.ids for code in tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
    at = 0
    for length in lengths:
        ids = [token for code in codes[at:at + length] for token in code]
        learned = [mark for code, mark in zip(codes[at:at + length], marks[at:at + length]) for _ in code]
        at += length
        yield ids, learned


def padded(rows):
    width = max(len(ids) for ids, _ in rows)
    ids = torch.full((len(rows), width), PAD)
    learned = torch.zeros((len(rows), width), dtype=torch.bool)
    for i, (row, marks) in enumerate(rows):
        ids[i, :len(row)] = torch.tensor(row)
        learned[i, :len(row)] = torch.tensor(marks)
    return ids, learned


def batches(tokenizer, seed, tokens_per_batch, first=0):
    """Batches without end, from batch `first` on: (ids, learned), both [dialogues, tokens]."""
    number, pool = 0, 0
    while True:
        found = [dialogue(pool * POOL + i, seed) for i in range(POOL)]
        rows = sorted((row for row in encoded(tokenizer, found) if len(row[0]) <= LONGEST), key=lambda row: len(row[0]))
        grouped, group = [], []
        for row in rows:
            if group and len(row[0]) * (len(group) + 1) > tokens_per_batch:
                grouped.append(group)
                group = []
            group.append(row)
        random.Random(f"{seed} {pool}").shuffle(grouped)  # what is left in `group` is dropped
        for group in grouped:
            if number >= first:
                yield padded(group)
            number += 1
        pool += 1
