"""The embedders that a configuration can name. Each is imported, and its model loaded, when it is first used.

hashing: words and pairs of words hashed to 256 signed counts; no model.
wordllama: static word vectors of 256 numbers, from the package itself (tierwise[embeddings]).
onnx:PATH: a sentence encoder in a file, its `tokenizer.json` beside it (tierwise[onnx]).
sentence-transformers:NAME, fastembed:NAME, model2vec:NAME: a model of that library, which downloads it on first use
(an extra of the library's name each).
module:function: your own, from a list of texts to rows of numbers.
"""
