"""
Sealing: plaintext goes in as it arrives, ciphertext comes out, all or nothing.

    caller --write--> pipe --thread--> gpg --thread--> walker + sink
                      256 KiB                          (EnvelopeReader)

The plaintext of a report is in memory and in gpg's pipe, and nowhere else.
Memory stays bounded: a writer who is faster than gpg waits.

Nothing counts as sealed until all of these are true: the writer finished of
their own accord, gpg said that encryption ended well *and* left with exit code
0 (either alone has been seen with a truncated file), the sink took everything,
and what it took is one complete message to as many recipients as were asked for.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from crypto.fingerprint import Fingerprint
from crypto.gpg import GpgCall, GpgMissing, SealingFailed
from crypto.packets import EnvelopeReader, IncompleteMessage

QUEUED_BYTES = 256 * 1024
# How long gpg or the sink may take without moving a byte, or to finish.
STALL_SECONDS = 60.0

_ENCRYPTION_OPTIONS = (
    # Compression would undo the padding, and is ten times slower.
    "--compress-algo",
    "none",
    "--cipher-algo",
    "AES256",
)


class RecipientRefused(SealingFailed):
    """A report cannot be sealed to one of these keys."""


class GpgDied(SealingFailed):
    """GnuPG stopped before the report was sealed."""


class SinkFailed(SealingFailed):
    """The sealed report could not be put away."""


class SealingStalled(SealingFailed):
    """Nothing moved for too long while the report was being sealed."""


class Sealing:
    """
    One report on its way into gpg; a context manager.

    Leaving the block cleanly waits for gpg and raises `SealingFailed` unless
    everything is complete.  Leaving it by an exception kills gpg and lets the
    exception through.  After either failure, what reached the sink is rubbish.

    Use it from one thread.
    """

    def __init__(
        self,
        call: GpgCall,
        recipients: Sequence[Fingerprint],
        *,
        sink: Callable[[bytes], object],
        explain: Callable[[Sequence[Fingerprint]], str],
        stall_seconds: float = STALL_SECONDS,
    ) -> None:
        """
        Args:
            call: A call that is not limited in time.

            recipients: Whom to seal to.

            sink: Takes the ciphertext, from another thread.

            explain: Says why keys that gpg refused are unfit.

            stall_seconds: How long nothing may move.
        """
        self._call = call
        self._recipients = list(dict.fromkeys(recipients))
        self._sink = sink
        self._explain = explain
        self._stall_seconds = stall_seconds
        self._pipe = _Pipe()
        self._reader = EnvelopeReader()
        self._refused_output = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="sealing", daemon=True)

    def __enter__(self) -> Self:
        if not self._recipients:
            raise RecipientRefused("there is nobody to seal to")
        self._thread.start()
        return self

    def write(self, chunk: bytes) -> None:
        """
        Hand over the next bytes of plaintext.

        Raises:
            SealingFailed: If it has become clear that nothing will come of it.
        """
        # What a caller changes afterwards must not change what is sealed.
        if not self._pipe.write(bytes(chunk), self._stall_seconds):
            self._give_up_if_stalled()
            self._conclude()
            raise GpgDied("GnuPG stopped reading before the end of the report")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._abort()
            return
        self._pipe.finish()
        self._thread.join(self._stall_seconds)
        self._give_up_if_stalled()
        self._conclude()

    def _run(self) -> None:
        self._call.on_data = self._take
        try:
            self._call.encrypt_file(
                self._pipe,
                self._recipients,
                armor=False,
                extra_args=list(_ENCRYPTION_OPTIONS),
            )
        except (OSError, RuntimeError) as error:
            # A broken pipe, a missing gpg, or no room for another thread.
            self._error = error
        finally:
            self._pipe.hang_up()
            self._call.clean_up()

    def _take(self, chunk: bytes) -> bool:
        """Pass ciphertext on.  False tells python-gnupg not to keep it."""
        if self._refused_output or not chunk:
            return False
        try:
            self._reader.feed(chunk)
            self._sink(chunk)
        except BaseException:
            # python-gnupg keeps the exception for us, and would go on.
            self._refused_output = True
            self._pipe.hang_up()
            self._call.stop()
            raise
        return False

    def _abort(self) -> None:
        self._refused_output = True
        # Killed before the pipe ends: gpg must never take what it has so far
        # for the whole and make a valid message of it.
        self._call.stop()
        self._pipe.hang_up()
        self._thread.join(self._stall_seconds)

    def _give_up_if_stalled(self) -> None:
        if self._pipe.stalled or (self._pipe.finished and self._thread.is_alive()):
            self._abort()
            raise SealingStalled(SealingStalled.__doc__)
        self._thread.join(self._stall_seconds)

    def _conclude(self) -> None:
        """Raise unless the message is complete."""
        outcome = self._call.outcome
        if outcome is None and isinstance(self._error, OSError):
            raise GpgMissing(GpgMissing.__doc__) from self._error
        if outcome is None:
            raise GpgDied("GnuPG could not be given its work") from self._error
        if outcome.on_data_failure is not None:
            if isinstance(outcome.on_data_failure, IncompleteMessage):
                raise GpgDied(
                    "what GnuPG made is not an OpenPGP message"
                ) from outcome.on_data_failure
            raise SinkFailed(SinkFailed.__doc__) from outcome.on_data_failure
        if refused := self._call.refused_recipients():
            unfit = [key for key in self._recipients if key in refused]
            raise RecipientRefused(self._explain(unfit or self._recipients))
        if not outcome.ok or outcome.returncode != 0 or self._error is not None:
            raise GpgDied(
                f"GnuPG ended with exit code {outcome.returncode}"
            ) from self._error
        if not self._pipe.finished:
            raise GpgDied("GnuPG ended before the report did")
        try:
            envelope = self._reader.finish()
        except IncompleteMessage as error:
            raise GpgDied("what GnuPG made is not complete") from error
        if len(envelope.recipient_key_ids) != len(self._recipients):
            raise GpgDied("the message is not for the recipients that were asked for")


class _Pipe:
    """A short queue of bytes from the writer to the thread that feeds gpg."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._chunks: deque[memoryview] = deque()
        self._queued_bytes = 0
        self._hung_up = False
        self.finished = False
        self.stalled = False

    def write(self, chunk: bytes, timeout_seconds: float) -> bool:
        """Queue a chunk when there is room; False if nobody will read it."""
        with self._changed:
            # A chunk of any size is taken when the queue is empty.
            while not self._hung_up and (
                self._queued_bytes and self._queued_bytes + len(chunk) > QUEUED_BYTES
            ):
                if not self._changed.wait(timeout_seconds):
                    self.stalled = True
                    return False
            if self._hung_up or self.finished:
                return False
            if chunk:
                self._chunks.append(memoryview(chunk))
                self._queued_bytes += len(chunk)
                self._changed.notify_all()
            return True

    def finish(self) -> None:
        """Say that the plaintext is whole."""
        with self._changed:
            self.finished = not self._hung_up
            self._changed.notify_all()

    def hang_up(self) -> None:
        """Let both sides go, and forget what is queued."""
        with self._changed:
            self._hung_up = True
            self._chunks.clear()
            self._queued_bytes = 0
            self._changed.notify_all()

    def read(self, size: int, /) -> bytes:
        """Wait for bytes; empty at the end, for python-gnupg's own thread."""
        with self._changed:
            while not (self._chunks or self.finished or self._hung_up):
                self._changed.wait()
            if not self._chunks:
                return b""
            chunk = self._chunks.popleft()
            piece, rest = chunk[:size], chunk[size:]
            if len(rest):
                self._chunks.appendleft(rest)
            self._queued_bytes -= len(piece)
            self._changed.notify_all()
            return bytes(piece)
