"""Which rule of the scripts answers a request, and when none does: which ones were near, and what kept them from it?"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from scripted_model.asked import Asked
from scripted_model.script import SCRIPT_FAULT, Ability, Answer, Rule, Script, When

NEAR = 3
"""So many rules are named when none fits."""


@dataclass(frozen=True)
class Chosen:
    """The answer of a rule."""

    rule: str
    """Script and name of the rule, for people."""
    answer: Answer


@dataclass(frozen=True)
class Nobody:
    """No rule fits."""

    status: int
    reasons: tuple[str, ...]
    """Of the rules that came nearest: what did not hold."""


@dataclass
class Stage:
    """The scripts being played, and how often each rule with ``times`` has spoken: the only state that there is."""

    scripts: dict[str, Script] = field(default_factory=dict)
    """By name. The one that was put in last is asked first."""
    spoken: Counter[str] = field(default_factory=Counter)

    def put(self, name: str, script: Script) -> None:
        """Play this script from its beginning."""
        self.remove(name)
        self.scripts = {name: script, **self.scripts}

    def remove(self, name: str) -> bool:
        """Play this script no more; False when it was not there."""
        for key in [key for key in self.spoken if key.startswith(f"{name}: ")]:
            del self.spoken[key]
        return self.scripts.pop(name, None) is not None

    @property
    def models(self) -> dict[str, Ability]:
        """The models that exist; empty: every name does."""
        return {name: able for script in self.scripts.values() for name, able in script.models.items()}

    def choose(self, asked: Asked) -> Chosen | Nobody:
        """The first rule that fits; its word counts as spoken."""
        misses: list[tuple[int, str]] = []
        for key, rule in self._rules():
            wrong = [*complaints(rule, asked), *self._spent(key, rule)]
            if not wrong:
                self.spoken[key] += 1
                return Chosen(key, rule.then[asked.turn if len(rule.then) > 1 else 0])
            misses.append((len(wrong), f"rule `{key}`: {'; '.join(wrong)}"))
        status = next((script.unmatched for script in self.scripts.values()), SCRIPT_FAULT)
        near = sorted(misses, key=lambda each: each[0])[:NEAR]
        return Nobody(status, tuple(reason for _, reason in near))

    def _rules(self) -> Iterator[tuple[str, Rule]]:
        for name, script in self.scripts.items():
            for rule in script.rules:
                yield f"{name}: {rule.name}", rule

    def _spent(self, key: str, rule: Rule) -> Iterator[str]:
        if rule.when.times is not None and self.spoken[key] >= rule.when.times:
            yield f"it has spoken {rule.when.times} times"


def complaints(rule: Rule, asked: Asked) -> Iterator[str]:
    """What of the rule's conditions does not hold, in words."""
    when = rule.when
    yield from _about_the_request(when, asked)
    yield from _about_the_words(when, asked)
    if len(rule.then) > 1 and asked.turn >= len(rule.then):
        yield f"it has {len(rule.then)} answers, the request is for number {asked.turn + 1}"


def _about_the_request(when: When, asked: Asked) -> Iterator[str]:
    name = asked.answer[0] if asked.answer else None
    wanted = (
        ("role", when.role, asked.role),
        ("model", when.model, asked.model),
        ("turn", when.turn, asked.turn),
        ("tools", when.tools, bool(asked.tools)),
        ("schema", when.schema_name, name),
        ("request", when.request, asked.digest),
    )
    for what, should, actual in wanted:
        if should is not None and should != actual:
            yield f"{what} is {actual}, not {should}"


def _about_the_words(when: When, asked: Asked) -> Iterator[str]:
    for text in [*([when.repo] if when.repo else []), *when.anywhere]:
        if not any(text in message for message in asked.texts):
            yield f"no message holds `{_short(text)}`"
    for text in when.last:
        if text not in asked.last:
            yield f"the last message does not hold `{_short(text)}`"
    for text in when.nowhere:
        if any(text in message for message in asked.texts):
            yield f"a message holds `{_short(text)}`"


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."
