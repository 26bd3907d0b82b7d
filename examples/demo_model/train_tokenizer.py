"""Trains the byte-level BPE on generated dialogues and saves it the way Hugging Face stores a tokenizer."""
import os

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from dialogues import dialogue
from rendering import rendered

HERE = os.path.dirname(os.path.abspath(__file__))
SPECIAL = (
    "<|pad|>", "<|startoftext|>", "<|endoftext|>", "<|fim_pre|>", "<|fim_mid|>", "<|fim_suf|>", "<|im_start|>",
    "<|im_end|>", "<|tool_list_start|>", "<|tool_list_end|>", "<|tool_call_start|>", "<|tool_call_end|>",
    "<|tool_response_start|>", "<|tool_response_end|>", "<think>", "</think>")
PAD, BOS, EOS = 0, 1, 7

# How the family cuts text into the pieces inside which pairs are merged.
PIECES = (r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s")


def train(size, seed, n_dialogues):
    split = pre_tokenizers.Split(Regex(PIECES), "isolated")
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    # Digits are kept apart while merges are learned, so no token holds two: sums are worked out digit by digit.
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.Digits(individual_digits=True), byte_level])

    def texts():
        for number in range(n_dialogues):
            each = dialogue(number, seed)
            yield rendered(each["messages"], each["tools"], each["in_json"])

    tokenizer.train_from_iterator(texts(), trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(SPECIAL), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{SPECIAL[BOS]} $A", special_tokens=[(SPECIAL[BOS], BOS)])
    return tokenizer


def save(tokenizer, folder):
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=SPECIAL[BOS], eos_token=SPECIAL[EOS], pad_token=SPECIAL[PAD])
    with open(os.path.join(HERE, "chat_template.jinja"), encoding="utf-8") as file:
        fast.chat_template = file.read()
    fast.save_pretrained(folder)
