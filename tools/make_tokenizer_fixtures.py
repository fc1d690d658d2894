#!/usr/bin/env python3
"""Writes Tests/QwenImageTests/Fixtures/tokenizer.

Usage: make_tokenizer_fixtures.py TOKENIZER_FOLDER, where the folder holds a small `tokenizer.json` of the Qwen2 kind.
Needs transformers==5.23.0 and tokenizers==0.23.3, with Python 3.11 (whose documentation is part of the corpus).

    tiny/      the given tokenizer.json: merges as pairs
    files/     the same tokenizer as vocab.json, merges.txt, added_tokens.json and tokenizer_config.json
    trained/   a byte-level BPE of 3,000 tokens trained here: tokenizer.json with merges as strings
    cases.json texts with the ids of both tokenizers, and ids with their decoded text
"""

import json
import pathlib
import pydoc_data.topics
import random
import shutil
import sys
import unicodedata

from tokenizers import Tokenizer, pre_tokenizers, trainers
from transformers import Qwen2Tokenizer

OUT = pathlib.Path(__file__).resolve().parent.parent / "Tests/QwenImageTests/Fixtures/tokenizer"
VOCABULARY = 3000
RANDOM_CASES = 250

SENTENCES = [
    "A red ceramic teapot stands on a wooden table beside an open window.",
    "The layers are ordered from the background to the foreground; every layer has its own alpha channel.",
    "一只橘色的猫坐在窗台上，窗外是下雪的街道。图像被分解为多个透明的图层，每个图层可以单独编辑。",
    "背景是蓝天白云，前景中有一座红色的桥。请描述这张图片中的主要物体。",
    "窓辺に座っている猫の写真です。背景には雪が降る通りが見えます。画像を透明なレイヤーに分けます。",
    "창가에 앉아 있는 고양이의 사진입니다. 배경에는 눈이 내리는 거리가 보입니다.",
    "قطة برتقالية تجلس على حافة النافذة، والثلج يتساقط في الشارع.",
    "एक नारंगी बिल्ली खिड़की पर बैठी है और बाहर सड़क पर बर्फ गिर रही है।",
    "แมวสีส้มนั่งอยู่บนขอบหน้าต่าง ด้านนอกมีหิมะตกบนถนน",
    "Рыжая кошка сидит на подоконнике, за окном на улице идёт снег.",
    "Μια πορτοκαλί γάτα κάθεται στο περβάζι του παραθύρου.",
    "חתולה כתומה יושבת על אדן החלון.",
    "Une théière rouge sur une table, près d'une fenêtre où l'on voit la neige.",
    "Größe, Straße, Übung; mañana, corazón; Kraków, źdźbło; İstanbul, ığdır.",
    "Con mèo màu cam đang ngồi trên bệ cửa sổ, ngoài phố tuyết đang rơi.",
]

TEXTS = SENTENCES + [
    "", " ", "  ", "a", "\n", "\r\n", "\t", "\u3000", "\u0085", "\u00a0\u2003x",
    "Hello, world!", "  leading and trailing  ", "tabs\tand\nlines\r\n\r\nmixed \n \n  end ",
    "a  b   c    d", "x \n\n y", "x\n\n\n", " \n", "\n ", "  \r  x", "...\n\n!!!\r\rx", " !\n y", "  !", "\t!",
    "\u00a0!",
    "I'm you're he's it'd we'll they've don't", "I'M YOU'RE HE'S IT'D WE'LL THEY'VE DON'T",
    "'Ll 'rE 'Ve 'lx 'r 'v",
    "'ſ 'ſt x'ſx", "''s '' '", "’s ‘s' 's's's", "'\u0301s", "x's\u0301",
    "123 4567 3.14159 1,000,000", "٠١٢٣ ०१२ ๐๑๒ ①②③ ⅷ ½ ㊿ 𝟘𝟙 〇一二",
    "\U0001F468\u200D\U0001F469\u200D\U0001F467\u200D\U0001F466 "
    "\U0001F1E9\U0001F1EA \U0001F44D\U0001F3FD \u2764\uFE0F \U0001F600\U0001F680",
    "cafe\u0301 e\u0323\u0302 \u1EC7 o\u0302\u0323 A\u030A \u212B \u2126 \u0344 \u0958 \u2ADC",
    "\u1112\u1161\u11AB\u1100\u1173\u11AF \uD558\u11AB \u1100\u1176 \uAC01\u11A8 \uAC00\u11A7",
    "\u0F75 a\u0365\u0F75 \u0F71\u0F72 \uFB2C \uFB1D \U0001D15E \U0001109A \U00011131\U00011127",
    "a\u0301\u0301\u0323 \u0301 \u0300\u0301 q\u0D3B\u0301 q\u0301\u0D3B",
    "\uF900 \uFA0E \U0002F800 \uFB01 \u3231 \u1E9B\u0323",
    "\x00\x01\x02\x7f\x1b[31m\ufeff\u200b\u200e\ufffd\ufffe\U0010ffff",
    "\u0378 \U0001DF25 \U00016FF2 \U000323B0 \U00031350",
    "<|im_start|>user\nhello<|im_end|>\n<|im_start|>assistant\n",
    "<|vision_start|><|image_pad|><|image_pad|><|vision_end|>",
    "<|im_start|", "<<|im_end|>>", "<|im_end|><|im_end|> <|im_end|>",
    "<|endoftext|>e\u0301<|endoftext|>\u0301", "<|IM_END|>",
    "def f(x):\n    return x ** 2  # square\n\n\nclass A:\n\tpass\n", "https://example.com/a?b=c&d=%20#e",
    "$5.00 + €3 = ¥1,000 ± 2%",
    "a" * 300, "\u56FE" * 50, "\u0301" * 20, "ab" * 100 + " " * 70 + "\n" * 10, "=" * 90,
]


def scalars():
    return [value for value in range(0x110000) if not 0xD800 <= value < 0xE000]


class RandomText:
    """Strings that mix what tokenizers get wrong: marks, jamo, blanks, digits, contractions, pieces of added tokens."""

    def __init__(self, specials):
        self.random = random.Random(20)
        self.specials = specials
        every = scalars()
        self.every = [value for value in every if unicodedata.category(chr(value)) != "Cn"]
        self.marks = [value for value in every if unicodedata.combining(chr(value))]
        self.blanks = [value for value in every if chr(value).isspace() or value in (0x85, 0xA0)]
        self.digits = [value for value in every if unicodedata.category(chr(value)).startswith("N")]
        decomposed = (unicodedata.normalize("NFD", chr(value)) for value in every)
        self.decomposed = [text for text in decomposed if len(text) > 1]
        self.jamo = [value for value in range(0x1100, 0x1200)] + list(range(0xAC00, 0xD7A4, 97))
        self.words = " ".join(SENTENCES).split()

    def pick(self, values, least, most):
        return "".join(chr(self.random.choice(values)) for _ in range(self.random.randint(least, most)))

    def piece(self):
        kind = self.random.randint(0, 9)
        if kind == 0:
            return self.pick(self.every, 1, 3)
        if kind == 1:
            return self.pick(self.marks, 1, 3)
        if kind == 2:
            return self.pick(self.blanks, 1, 4)
        if kind == 3:
            return self.pick([32, 10, 13, 9, 32, 32], 1, 4)
        if kind == 4:
            return self.pick(self.digits, 1, 3)
        if kind == 5:
            return self.random.choice(self.decomposed)
        if kind == 6:
            return self.pick(self.jamo, 1, 4)
        if kind == 7:
            return self.random.choice(["'s", "'S", "'re", "'VE", "'m", "'Ll", "'d", "'ſ", "'l", "'", " 's"])
        if kind == 8:
            special = self.random.choice(self.specials)
            return special if self.random.random() < 0.7 else special[: self.random.randint(1, len(special))]
        return self.random.choice(["", " "]) + self.random.choice(self.words)

    def text(self):
        return "".join(self.piece() for _ in range(self.random.randint(1, 8)))


def write(path, value, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, separators=(",", ":"), **options) + "\n", encoding="utf-8")


def write_files(folder, document):
    """The layout with one file for each part, as the published checkpoint has it."""
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "vocab.json", document["model"]["vocab"], ensure_ascii=False)
    merges = "".join(f"{left} {right}\n" for left, right in document["model"]["merges"])
    (folder / "merges.txt").write_text("#version: 0.2\n" + merges, encoding="utf-8")
    write(folder / "added_tokens.json", {token["content"]: token["id"] for token in document["added_tokens"]})
    flags = ("content", "lstrip", "normalized", "rstrip", "single_word", "special")
    # The last token is known from added_tokens.json alone.
    decoder = {str(token["id"]): {flag: token[flag] for flag in flags} for token in document["added_tokens"][:-1]}
    write(folder / "tokenizer_config.json", {
        "added_tokens_decoder": decoder,
        "additional_special_tokens": [token["content"] for token in document["added_tokens"][1:]],
        "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "tokenizer_class": "Qwen2Tokenizer",
    })


def train(document):
    """A larger tokenizer of the same kind; its merges are written as strings, the form of older files."""
    tokenizer = Tokenizer.from_str(json.dumps({
        **document, "added_tokens": [], "model": {**document["model"], "vocab": {}, "merges": []},
    }))
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=VOCABULARY, initial_alphabet=alphabet, show_progress=False)
    corpus = list(pydoc_data.topics.topics.values()) + SENTENCES * 5
    tokenizer.train_from_iterator(corpus, trainer)
    trained = json.loads(tokenizer.to_str())
    trained["model"]["merges"] = [" ".join(pair) for pair in trained["model"]["merges"]]
    first = len(trained["model"]["vocab"])
    trained["added_tokens"] = [
        {**token, "id": first + index} for index, token in enumerate(document["added_tokens"])
    ] + [{
        "id": first + len(document["added_tokens"]), "content": "<tool_call>", "single_word": False, "lstrip": False,
        "rstrip": False, "normalized": False, "special": False,
    }, {
        "id": first + len(document["added_tokens"]) + 1, "content": "caf\u00e9!", "single_word": False, "lstrip": False,
        "rstrip": False, "normalized": True, "special": False,
    }]
    return trained


def main():
    source = pathlib.Path(sys.argv[1]) / "tokenizer.json"
    document = json.loads(source.read_text(encoding="utf-8"))
    shutil.rmtree(OUT, ignore_errors=True)
    (OUT / "tiny").mkdir(parents=True)
    shutil.copyfile(source, OUT / "tiny/tokenizer.json")
    write_files(OUT / "files", document)
    write(OUT / "trained/tokenizer.json", train(document), ensure_ascii=False)
    tiny = Tokenizer.from_file(str(OUT / "tiny/tokenizer.json"))
    trained = Tokenizer.from_file(str(OUT / "trained/tokenizer.json"))
    files = Qwen2Tokenizer.from_pretrained(OUT / "files")
    specials = [token["content"] for token in document["added_tokens"]] + ["<tool_call>"]
    source_of_text = RandomText(specials)
    extra = ["<tool_call>x</tool_call>", "cafe\u0301! caf\u00e9! caf\u00e9 !"]
    texts = TEXTS + extra + [source_of_text.text() for _ in range(RANDOM_CASES)]
    encodings = []
    for text in texts:
        ids = tiny.encode(text, add_special_tokens=False).ids
        # Both layouts have to mean the same, or one fixture could not serve both.
        assert files(text, add_special_tokens=False)["input_ids"] == ids, text
        encodings.append({"text": text, "tiny": ids, "trained": trained.encode(text, add_special_tokens=False).ids})
    decodings = []
    random_ids = random.Random(21)
    size = trained.get_vocab_size(True)
    for _ in range(150):
        ids = [random_ids.randint(0, size + 5) for _ in range(random_ids.randint(0, 8))]
        if random_ids.random() < 0.5:
            ids += random_ids.choice(encodings)["trained"][1:12]
        decodings.append({
            "ids": ids, "skipping": trained.decode(ids, skip_special_tokens=True),
            "whole": trained.decode(ids, skip_special_tokens=False),
        })
    write(OUT / "cases.json", {"encodings": encodings, "decodings": decodings})
    for path in sorted(OUT.rglob("*.*")):
        print(path.relative_to(OUT), path.stat().st_size)


main()
