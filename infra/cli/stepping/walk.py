"""Walking through a replay on a terminal: what each key does, and the prompts.

prompt_toolkit reads the keys, follows the window's size and draws what has changed; all that it draws is made by
``screen``, and all that is shown was answered to ``Asked``.
"""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from logging.handlers import QueueHandler
from queue import SimpleQueue
from typing import Final

import typer
from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.filters import Condition, Filter
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import ConditionalContainer, HSplit, Layout, Window
from prompt_toolkit.layout.controls import BufferControl, FormattedTextControl
from prompt_toolkit.layout.processors import BeforeInput

from ....projections.summaries import Language
from ..asking import Asking
from ..replayed import Replay
from ..times import moment
from .asked import Asked, Lens
from .keys import KEYS, Act
from .looks import STYLE, signs_for
from .moves import move
from .screen import screen
from .story import Story
from .view import View

ESCAPE_SECONDS: Final = 0.05
"""How long after Escape the rest of an arrow key may come; on a slow line it comes in one piece all the same."""

BESIDE: Final = (0, 1, -1, 2, 3)
"""Which states to ask for, from where we are: mostly somebody goes on."""

COUNT_DIGITS_MAX: Final = 6

NOW: Final = frozenset({"", "now"})
THEN: Final = "then"


class Walk:
    """A walk through one replay."""

    def __init__(self, ask: Asking, replay: Replay, language: Language, lens: Lens) -> None:
        """Begin at the first step of a replay, which was asked for through ``lens``."""
        story = Story(replay, language)
        self._view = View(story)
        self._lens = lens
        self._asked = Asked(ask, story, lens, self._redraw)
        self._signs = signs_for(sys.stdout.encoding)
        self._question = ""
        self._answered: Callable[[str], None] = self._search_for
        self._typed = Buffer(multiline=False)
        self._prompt = BufferControl(self._typed, [BeforeInput(lambda: self._question, "class:head")])
        body = Window(FormattedTextControl(self._text, focusable=True, show_cursor=False), always_hide_cursor=True)
        prompting = ConditionalContainer(Window(self._prompt, height=1), Condition(lambda: bool(self._question)))
        self._body = body
        self._app: Application[None] = Application(
            layout=Layout(HSplit([body, prompting]), body),
            key_bindings=self._bindings(),
            style=STYLE,
            full_screen=True,
            enable_page_navigation_bindings=False,
        )
        self._app.ttimeoutlen = ESCAPE_SECONDS

    def run(self) -> None:
        """Walk until somebody quits."""
        before = signal.getsignal(signal.SIGTERM)
        try:
            with _log_held_back(), self._asked.asking():
                self._app.run(pre_run=self._heed_word_to_stop)
        finally:
            signal.signal(signal.SIGTERM, before)

    def _heed_word_to_stop(self) -> None:
        """Take SIGTERM as the event loop does; raised between any two of its instructions, it may get lost in one."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._stop)

    def _stop(self) -> None:
        """End as Ctrl-C does, unless the walk has just ended."""
        if self._app.future is not None and not self._app.future.done():
            self._app.exit(exception=KeyboardInterrupt)

    def _redraw(self) -> None:
        """Draw again; called in the thread that asks."""
        self._app.invalidate()

    def _text(self) -> StyleAndTextTuples:
        """Return the screen as prompt_toolkit takes it: pieces, with line ends between the rows."""
        self._take_in()
        size = self._app.output.get_size()
        rows = screen(self._view, size.columns, size.rows, self._signs)
        if self._question:
            rows = rows[:-1]
        pieces: StyleAndTextTuples = []
        for place, row in enumerate(rows):
            pieces += [("", "\n")] if place else []
            pieces += row
        return pieces

    def _take_in(self) -> None:
        """Take in what has been answered, and ask for what is needed here."""
        view = self._view
        told = self._asked.told()
        if told is not None:
            view.message = told.wrong
            if told.story is not None:
                self._lens = told.lens
                view.stand_in(told.story)
        steps = view.story.steps
        places = (view.here + beside for beside in BESIDE)
        moments = dict.fromkeys(steps[place].moment for place in places if 0 <= place < len(steps))
        view.learn(self._asked.state(view.story, tuple(moments)))
        view.message = self._asked.wrong() or view.message

    def _bindings(self) -> KeyBindings:
        bindings = KeyBindings()
        prompting = Condition(lambda: bool(self._question))
        nothing_typed = prompting & Condition(lambda: not self._typed.text)

        def bind(names: Iterable[str], when: Filter, does: Callable[[KeyPressEvent], None]) -> None:
            for name in names:
                # Eager: a key does what it does, whether or not more of them could follow.
                bindings.add(name, filter=when, eager=True)(does)

        def act(event: KeyPressEvent, wanted: Act) -> None:
            self._view.message = ""
            self._do(wanted)
            self._view.count = ""

        def digit(event: KeyPressEvent) -> None:
            self._view.message = ""
            self._view.count = f"{self._view.count}{event.data}"[:COUNT_DIGITS_MAX]

        def accept(event: KeyPressEvent) -> None:
            self._end_prompt(self._typed.text)

        def give_up(event: KeyPressEvent) -> None:
            self._end_prompt(None)

        for key in KEYS:
            bind(key.names, ~prompting, partial(act, wanted=key.act))
        bind("0123456789", ~prompting, digit)
        bind(["enter"], prompting, accept)
        bind(["escape", "c-c", "c-g", "<sigint>"], prompting, give_up)
        # As in less: rubbing out what is not there takes one back.
        bind(["backspace"], nothing_typed, give_up)
        return bindings

    def _do(self, act: Act) -> None:
        match act:
            case Act.INTERRUPT:
                self._stop()
                return
            case Act.SUSPEND:
                self._app.suspend_to_background()
                return
            case Act.REDRAW:
                self._app.renderer.clear()
                return
            case _:
                left = move(self._view, act, self._app.output.get_size().rows)
        match left:
            case Act.QUIT:
                self._app.exit()
            case Act.SEARCH:
                self._begin_prompt("/", self._search_for)
            case Act.AS_OF:
                self._begin_prompt("As of (empty: now): ", self._as_of)
            case Act.KNOWN_AT:
                self._begin_prompt("Known at (empty: now; then): ", self._known_at)
            case Act.KNOWN_TO:
                self._look_through(replace(self._lens, known_to=self._view.whose()))
            case _:
                pass

    def _begin_prompt(self, question: str, answered: Callable[[str], None]) -> None:
        self._question, self._answered = question, answered
        self._typed.reset()
        self._app.layout.focus(self._prompt)

    def _end_prompt(self, typed: str | None) -> None:
        """Go on with what was typed; none if somebody thought better of it."""
        self._question = ""
        self._app.layout.focus(self._body)
        if typed is not None:
            self._answered(typed.strip())

    def _search_for(self, typed: str) -> None:
        self._view.pattern = typed or self._view.pattern
        self._view.search(1)

    def _as_of(self, typed: str) -> None:
        read = self._moment(typed)
        if read is not None:
            self._look_through(replace(self._lens, as_of=read[0]))

    def _known_at(self, typed: str) -> None:
        here = self._view.story.steps[self._view.here]
        read = (here.at,) if typed == THEN else self._moment(typed)
        if read is not None:
            self._look_through(replace(self._lens, known_at=read[0]))

    def _moment(self, typed: str) -> tuple[datetime | None] | None:
        """Return the moment typed, none within being now; none, and say why, if it is no moment."""
        if typed in NOW:
            return (None,)
        try:
            return (moment(typed),)
        except typer.BadParameter as error:
            self._view.message = error.message
            return None

    def _look_through(self, lens: Lens) -> None:
        self._view.message = "Reading…"
        self._asked.look_through(lens)


@contextmanager
def _log_held_back() -> Generator[None]:
    """Log only after the block: a line written in the middle of a screen would stay there."""
    root = logging.getLogger()
    handlers, held = root.handlers[:], SimpleQueue[logging.LogRecord]()
    root.handlers[:] = [QueueHandler(held)]
    try:
        yield
    finally:
        root.handlers[:] = handlers
        while not held.empty():
            root.handle(held.get())
