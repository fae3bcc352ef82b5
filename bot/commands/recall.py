"""What was just said in a chat: a question that waits for its answer, and the answer that a corrected message had.

Beside ``updates.py``. In memory alone: a restart forgets it, and then people are answered as if they had just come. Of
what people wrote a hash is kept, never the words.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta

from bot.clock import Clock

#: How long a question waits for its answer.
PATIENCE = timedelta(minutes=15)
#: Questions, and answers, that are remembered.
_MOST = 2_000


@dataclass(frozen=True, slots=True)
class _Question:
    command: str
    until: float


@dataclass(frozen=True, slots=True)
class _Answered:
    words: int  #: a hash
    answer_id: int


class Recall:
    """Remembers the last question put to somebody in a chat, and which message answered which."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._questions: OrderedDict[tuple[int, int], _Question] = OrderedDict()
        self._answers: OrderedDict[tuple[int, int], _Answered] = OrderedDict()

    def ask(self, chat_id: int, user_id: int, command: str) -> None:
        """Somebody was asked for the argument of a command; "" for none: an older question has gone by."""
        self._questions.pop((chat_id, user_id), None)
        if command:
            until = self._clock.monotonic() + PATIENCE.total_seconds()
            self._questions[chat_id, user_id] = _Question(command, until)
            _limit(self._questions)

    def asked(self, chat_id: int, user_id: int) -> str | None:
        """The command that waits for somebody's next words."""
        question = self._questions.get((chat_id, user_id))
        return question.command if question and self._clock.monotonic() <= question.until else None

    def answered(self, chat_id: int, message_id: int, text: str, answer_id: int) -> None:
        """A message was answered."""
        self._answers[chat_id, message_id] = _Answered(hash(text), answer_id)
        _limit(self._answers)

    def is_corrected(self, chat_id: int, message_id: int, text: str) -> bool:
        """Whether a message that was answered says something else now: Telegram reports other changes as edits too."""
        answered = self._answers.get((chat_id, message_id))
        return answered is not None and answered.words != hash(text)

    def answer_of(self, chat_id: int, message_id: int) -> int | None:
        """The message that answered one."""
        answered = self._answers.get((chat_id, message_id))
        return answered.answer_id if answered else None


def _limit(remembered: OrderedDict[tuple[int, int], _Question] | OrderedDict[tuple[int, int], _Answered]) -> None:
    if len(remembered) > _MOST:
        remembered.popitem(last=False)
