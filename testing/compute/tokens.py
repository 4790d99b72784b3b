"""What the reference tokenizer makes of several thousand texts, as one JSON object a line.

    python tokens.py MODEL.gguf OUT.jsonl

The tables come from the file by the few lines below, so that our own reader is not its own judge. How text is cut is the
model's published tokenizer.json: single digits, then byte-level pieces by GPT-2's expression; control tokens are found whole.
"""

import json
import random
import struct
import sys

from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

SIMPLE = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
CONTROL = 3
COUNT = 6000


def facts(path):
    with open(path, "rb") as file:

        def number(kind):
            return struct.unpack("<" + kind, file.read(struct.calcsize(kind)))[0]

        def text():
            return file.read(number("Q")).decode()

        def value(kind):
            if kind == 8:
                return text()
            if kind == 9:
                inner, count = number("I"), number("Q")
                return [value(inner) for _ in range(count)]
            return number(SIMPLE[kind])

        assert file.read(4) == b"GGUF"
        number("I")
        number("Q")
        return {text(): value(number("I")) for _ in range(number("Q"))}


def reference(found):
    tokens = found["tokenizer.ggml.tokens"]
    assert found["tokenizer.ggml.pre"] == "smollm", "these rules are of that family"
    merges = [tuple(merge.split(" ")) for merge in found["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE({token: at for at, token in enumerate(tokens)}, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    control = [token for token, kind in zip(tokens, found["tokenizer.ggml.token_type"]) if kind == CONTROL]
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in control])
    return tokenizer, control


def texts(control):
    dice = random.Random(1)
    words = "the of and machine capstan it's they'll we've I'd Straße naïve żółć coöperate 東京 日本語 привет שלום مرحبا नमस्ते ไทย 한국어".split()
    signs = list("!?.,;:'\"()[]{}<>|\\/@#$%^&*-_=+~`") + ["...", "->", "::", "'s", "’s", "—", "…", "€", "½", "²", "٣", "五", "Ⅷ"]
    spaces = [" ", "  ", "\n", "\n\n", "\t", " \n ", "\r\n", "\u00a0", "\u3000", "\u2003", "    "]
    odd = ["\u0000", "\u007f", "\ufeff", "\u200d", "👩‍👩‍👧", "🦀", "e\u0301", "\U0010ffff", "ﷺ", "\u202e", "\ue000"]
    code = ["fn main() {", "    return x[3] + 0x1F;", "for i in range(10):", "SELECT * FROM t WHERE a=1;", "https://a.b/c?d=e&f=1"]

    def piece():
        kind = dice.randrange(9)
        if kind == 0:
            return str(dice.randrange(10 ** dice.randrange(1, 12)))
        if kind == 1:
            return dice.choice(signs)
        if kind == 2:
            return dice.choice(spaces)
        if kind == 3:
            return dice.choice(odd)
        if kind == 4:
            return dice.choice(code)
        if kind == 5:
            return dice.choice(control) if dice.random() < 0.4 else dice.choice(control)[:-1]
        if kind == 6:
            return "".join(chr(dice.choice([dice.randrange(32, 0x250), dice.randrange(0x250, 0xD800), dice.randrange(0xE000, 0x20000)])) for _ in range(dice.randrange(1, 5)))
        return dice.choice([" ", ""]) + dice.choice(words)

    yield from ["", " ", "a", "0", "00", "007", "1234567890", "3.14", "1,000,000", "2024-01-31", "١٢٣", "x²", "\n"]
    yield from ["a" * 500, " " * 500, "9" * 300, "\n" * 300, "aB" * 200, " a" * 300, "🦀" * 100]
    yield from control
    while True:
        # The breaker of control tokens is taken out of text, so it has no tokens to compare.
        yield "".join(piece() for _ in range(dice.randrange(1, 24))).replace("\ufdd0", "")


def main():
    model, out = sys.argv[1:]
    tokenizer, control = reference(facts(model))
    with open(out, "w", encoding="utf-8") as file:
        for _, text in zip(range(COUNT), texts(control)):
            file.write(json.dumps({"text": text, "ids": tokenizer.encode(text, add_special_tokens=False).ids}) + "\n")


main()
