"""Names for themes as a chat model proposes them: never a name until a person adopts one.

Off unless a person asks. A proposal stands beside its theme, is kept by all that was asked, and is
refused where it says what members do not, or what came of it. The endpoint is `miner.endpoint`.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

import sqlalchemy as sa
from pydantic import TypeAdapter, ValidationError

from crawler.database import explained, writing
from miner.answers import json_in
from miner.caches import signed, unsigned
from miner.endpoint import Client, EndpointError, NoReply
from miner.model import Claim, Theme
from miner.names import STEM
from miner.phrases import is_pointer, lemma, words
from miner.questions import shown
from miner.rows import insert_new
from miner.tables import proposals

__all__ = ["Proposal", "Proposals", "propose", "refusal", "version"]

PHRASES = 40
"""Phrases of a theme that are sent, those of most people first."""
LONGEST, MOST_WORDS = 60, 6
"""Letters and words a name may have."""
REPLY = 200
"""Tokens of a reply."""
GIVE_UP = 3
"""Questions without a reply, one after the other, until no more are asked."""
LINKING = frozenset(
    ("a", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with")
)
"""Words a name may hold though nobody says them."""
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}

Show = Callable[[str, int, int | None], None]


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What a model would call a theme."""

    theme: str
    """Id of the theme."""
    name: str
    """Empty where the model gave none."""
    model: str
    refused: str = ""
    """Why it may not be the name; empty where a person may adopt it."""


_proposal = TypeAdapter(Proposal)


class Proposals:
    """The proposals of a project. Its table is one of `miner.tables`, cleared by forgetting."""

    def __init__(self, engine: sa.Engine) -> None:
        """Opens nothing yet."""
        self.engine = engine

    def known(self, theme: str, key: str | None = None) -> Proposal | None:
        """What was proposed for a theme, if to that question; None where it is damaged."""
        query = sa.select(proposals).where(proposals.c.theme == theme)
        with explained(self.engine), self.engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None or key not in (None, row.key):
            return None
        try:
            return _proposal.validate_json(unsigned(row.value) or "")
        except ValidationError:
            return None

    def standing(self, theme: Theme, claims: Sequence[Claim]) -> Proposal | None:
        """The proposal for a theme that may still be adopted; `claims` are what it holds now."""
        found = self.known(theme.id)
        if found is None or refusal(found.name, theme, phrases_of(claims)):
            return None
        return None if found.refused else found

    def keep(self, key: str, proposal: Proposal) -> None:
        """Keeps a proposal in place of an older one for its theme."""
        value = signed(_proposal.dump_json(proposal).decode())
        with writing(self.engine) as connection:
            connection.execute(proposals.delete().where(proposals.c.theme == proposal.theme))
            insert_new(
                connection, proposals, [{"theme": proposal.theme, "key": key, "value": value}]
            )


def propose(
    themes: Sequence[Theme],
    every: Sequence[Theme],
    claims: Callable[[str], Sequence[Claim]],
    client: Client,
    memory: Proposals,
    show: Show = lambda *_: None,
) -> Iterator[Proposal]:
    """A proposal for each theme that two phrases or more are said of, asked for where unknown.

    `every` are all themes, since no two of a kind go by one name; `claims` gives those of a theme
    by its id. Raises BudgetSpent where no more may be asked, EndpointError where nothing can be;
    what was answered by then is kept.
    """
    taken = {(theme.kind, theme.name.lower()): theme.id for theme in every}
    silent = 0
    for number, theme in enumerate(themes):
        show("themes", number, len(themes))
        said = phrases_of(claims(theme.id))
        if len(said) < 2:
            continue
        key = _key(theme, said, client.endpoint.model)
        found = memory.known(theme.id, key)
        if found is None:
            try:
                found = _asked(theme, said, client)
            except NoReply as error:
                silent += 1
                if silent == GIVE_UP or number + 1 == len(themes) == silent:
                    raise EndpointError(str(error)) from error
                continue
            silent = 0
            if phrases_of(claims(theme.id)) != said:
                continue  # some of the words were forgotten meanwhile
            memory.keep(key, found)
        holder = taken.get((theme.kind, found.name.lower()), theme.id)
        yield found if holder == theme.id else replace(found, refused=f"{holder} has that name")


def phrases_of(claims: Sequence[Claim]) -> list[str]:
    """The phrases members say, masked, each once, those of most people first."""
    speakers: dict[str, set[str]] = defaultdict(set)
    spelled: dict[str, Counter[str]] = defaultdict(Counter)
    for claim in claims:
        text = " ".join(shown(claim.phrase).split())
        if claim.voice == "member" and text and not is_pointer(text):
            speakers[text.lower()].add(claim.author or claim.id)
            spelled[text.lower()][text] += 1
    order = sorted(speakers, key=lambda text: (-len(speakers[text]), text))
    return [min(spelled[text], key=lambda form: (-spelled[text][form], form)) for text in order]


def refusal(name: str, theme: Theme, said: Collection[str]) -> str:
    """Why a name may not be proposed for a theme whose members say those phrases; empty if it may.

    Each word must be one of theirs, in whatever form, and none may say whether the thing is any
    good: that is counted, and never part of a name.
    """
    own = [word.lower() for word in words(name)]
    if not own or all(word in LINKING for word in own):
        return "no name"
    if len(name) > LONGEST or len(own) > MOST_WORDS:
        return "too long"
    if not re.fullmatch(r"[\w '’&/+().,-]+", name):
        return "holds what no name does"
    if name.lower() == theme.name.lower():
        return "is its name already"
    if judging := sorted({*own} & _verdicts()):
        return f"judges: {judging[0]}"
    heard = {_root(word) for phrase in said for word in words(phrase)}
    strange = [word for word in own if word not in LINKING and _root(word) not in heard]
    return f"not in members' words: {strange[0]}" if strange else ""


@cache
def version() -> str:
    """Ten hex digits that change when the task or what is refused does."""
    told = json.dumps([_data(), SCHEMA, PHRASES, LONGEST, MOST_WORDS, "1"])
    return hashlib.sha256(told.encode()).hexdigest()[:10]


def _asked(theme: Theme, said: Sequence[str], client: Client) -> Proposal:
    """What the endpoint says, judged. Raises what the client raises."""
    reply = client.ask(_messages(theme, said), SCHEMA, REPLY)
    found = json_in(reply.text)
    given = found.get("name") if isinstance(found, dict) else None
    name = " ".join(given.split())[: 2 * LONGEST] if isinstance(given, str) else ""
    name = name.encode("utf-8", "replace").decode()  # JSON can name halves of characters
    reason = refusal(name, theme, said) if isinstance(given, str) else "no name in the answer"
    return Proposal(theme=theme.id, name=name, model=client.endpoint.model, refused=reason)


def _messages(theme: Theme, said: Sequence[str]) -> list[dict[str, str]]:
    told = {"kind": theme.kind, "name": shown(theme.name), "phrases": list(said[:PHRASES])}
    return [
        {"role": "system", "content": str(_data()["task"]).strip()},
        {"role": "user", "content": json.dumps(told, ensure_ascii=False)},
    ]


def _key(theme: Theme, said: Sequence[str], model: str) -> str:
    """Digest of all that was asked: the same is not asked twice."""
    told = json.dumps([model, version(), _messages(theme, said)[1]["content"]])
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()


def _root(word: str) -> str:
    """A word without its ending, so that "strengthening" is one with "strength"."""
    return lemma(word)[:STEM]


@cache
def _verdicts() -> frozenset[str]:
    return frozenset(_data()["verdicts"])


@cache
def _data() -> Mapping[str, Any]:
    return tomllib.loads((files("miner") / "data" / "naming.toml").read_text("utf-8"))
