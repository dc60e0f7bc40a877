"""Performs what the pipeline asks of LLMLingua, in time: on a thread of its own, since a call cannot be ended."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from router.drivers import Shell
from router.shorten.ops import Condense, Condensed
from router.shorten.settings import LinguaSettings, ShortenSettings
from router.stores.per_process import PerProcess

Compress = Callable[[Sequence[str], str, float], Sequence[str]]
"""From texts, the question they are read for and the rate of tokens that stay, to the shorter texts."""


class Condensing:
    """Shortens with a model that is loaded at the first call, once for each process; ``load`` gives what does the work.

    One prompt at a time: while the model is at one, the next goes unshortened as soon as its time is over.
    """

    waits = True

    def __init__(self, settings: ShortenSettings, *, load: Callable[[LinguaSettings], Compress] | None = None) -> None:
        self._settings = settings
        self._load = load or llmlingua
        self._loaded: dict[tuple[int, str, str], Compress] = {}
        # Not one lock for all processes: a fork while it is held would leave it locked for ever.
        self._turn = PerProcess(threading.Lock)

    @property
    def shell(self) -> Shell:
        """How each operation is performed."""
        return {Condense: self._condense} if "llmlingua" in self._settings.stages else {}

    def update(self, settings: ShortenSettings) -> None:
        """Go on with other settings."""
        self._settings = settings

    def close(self) -> None:
        """Let go of the model."""
        self._loaded.clear()

    def _condense(self, op: Condense) -> Condensed:
        pending: Future[tuple[str, ...]] = Future()
        worker = threading.Thread(target=self._work, args=(op, pending), name="tierwise-condensing", daemon=True)
        try:
            worker.start()
            return Condensed(pending.result(op.timeout))
        except TimeoutError:
            pending.cancel()
            return self._undone(op, f"LLMLingua took longer than {op.timeout:.3g} s")
        except Exception as error:  # noqa: BLE001 - the prompt is sent whole
            return self._undone(op, _said(error))

    @staticmethod
    def _undone(op: Condense, why: str) -> Condensed:
        return Condensed(op.texts, f"Passages were not shortened by LLMLingua: {why}.")

    def _work(self, op: Condense, pending: Future[tuple[str, ...]]) -> None:
        turn = self._turn()
        if not turn.acquire(timeout=op.timeout):
            return  # threads must not pile up behind a call that hangs
        try:
            if not pending.set_running_or_notify_cancel():
                return
            found = tuple(self._compress(op.settings)(op.texts, op.question, op.settings.rate))
            if len(found) != len(op.texts) or not all(isinstance(text, str) for text in found):
                raise ValueError(f"it gave {len(found)} texts for {len(op.texts)}")  # noqa: TRY301
            pending.set_result(found)
        except BaseException as error:  # noqa: BLE001
            pending.set_exception(error)
        finally:
            turn.release()

    def _compress(self, settings: LinguaSettings) -> Compress:
        key = (os.getpid(), settings.model, settings.device)
        if key not in self._loaded:
            self._loaded[key] = self._load(settings)
        return self._loaded[key]


def llmlingua(settings: LinguaSettings) -> Compress:
    """LLMLingua-2, loaded.

    Raises:
        ImportError: the package is not installed.
    """
    from llmlingua import PromptCompressor

    compressor: Any = PromptCompressor(model_name=settings.model, use_llmlingua2=True, device_map=settings.device)

    def compress(texts: Sequence[str], question: str, rate: float) -> list[str]:  # noqa: ARG001 - LLMLingua-2 asks none
        found = compressor.compress_prompt_llmlingua2(
            list(texts), rate=rate, force_tokens=["\n", ".", "?", "!"], force_reserve_digit=True, drop_consecutive=True
        )
        return [str(text) for text in found["compressed_prompt_list"]]

    return compress


def _said(error: BaseException) -> str:
    """What is said of ``error``: not its own words, which may repeat the prompt."""
    if isinstance(error, ImportError):
        return "the package llmlingua is not installed; run `pip install 'tierwise[llmlingua]'`"
    return f"it raised {type(error).__name__}"
