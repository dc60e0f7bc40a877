"""A sentence encoder in an ONNX file, with its ``tokenizer.json`` beside it: MiniLM, BGE, E5 and their like."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from router.embed import Encode, Vectors
from router.errors import EmbedderError

LONGEST = 256
"""Tokens that are read of a text."""

BATCH = 32


def load(path: str) -> Encode:
    """Load the model at ``path``; it runs in one thread, since requests run in many.

    Raises:
        EmbedderError: a file is missing.
    """
    import onnxruntime
    from tokenizers import Tokenizer

    model = Path(path).expanduser()
    words = model.with_name("tokenizer.json")
    for file in (model, words):
        if not file.is_file():
            raise EmbedderError(f"the embedder 'onnx:{path}' needs the file {file}, and there is none")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(words))
    tokenizer.enable_truncation(LONGEST)
    tokenizer.enable_padding()
    wanted = {given.name for given in session.get_inputs()}
    outputs = [made.name for made in session.get_outputs()]
    output = "sentence_embedding" if "sentence_embedding" in outputs else outputs[0]

    def batch(texts: list[str]) -> Vectors:
        read = tokenizer.encode_batch(texts)
        mask = np.array([one.attention_mask for one in read], np.int64)
        given = {
            "input_ids": np.array([one.ids for one in read], np.int64),
            "attention_mask": mask,
            "token_type_ids": np.array([one.type_ids for one in read], np.int64),
        }
        found = session.run([output], {name: value for name, value in given.items() if name in wanted})[0]
        if found.ndim == 2:  # pooled already
            return np.asarray(found, np.float64)
        weight = mask[:, :, None].astype(np.float64)
        pooled: Vectors = (found * weight).sum(axis=1) / np.maximum(weight.sum(axis=1), 1.0)
        return pooled

    def embed(texts: list[str]) -> Vectors:
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))  # like lengths pad each other least
        chunks = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
        found = np.concatenate([batch([texts[place] for place in chunk]) for chunk in chunks])
        return found[np.argsort(order)]

    return embed
