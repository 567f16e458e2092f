"""Names that an endpoint proposes for themes: asked for, listed, adopted by a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from console.exits import ERROR, OK, PARTIAL
from console.progress import bar
from console.project import Project, endpoint_of
from console.terminal import err, tell

if TYPE_CHECKING:
    from miner.knowledge import Knowledge
    from miner.model import Claim, Kind

__all__ = ["adopt", "asked"]

COMMAND = "command line"
"""Who decided, as the history shows it."""


def asked(here: Project, count: int, kind: Kind | None) -> tuple[int, list[Mapping[str, Any]]]:
    """Exit code, and what was proposed for that many themes, most members first.

    Nothing is renamed. Raises BadSettings where no endpoint is named or nobody agreed to it.
    """
    from miner.endpoint import BudgetSpent, Client, EndpointError
    from miner.proposals import Proposals, propose

    endpoint, knowledge = endpoint_of(here), _mined(here)
    if not endpoint.is_local:
        tell(f"Phrases of members are sent to {endpoint.site}, names masked, for names of themes.")
    themes = knowledge.themes(kind)
    wanted = sorted(themes, key=lambda theme: (-theme.tally.authors, theme.id))[:count]
    names = {theme.id: theme.name for theme in themes}
    found: list[Mapping[str, Any]] = []
    code = OK
    try:
        with bar(err) as show:
            claims = partial(_claims, knowledge)
            client, memory = Client(endpoint), Proposals(knowledge.engine)
            proposed = propose(wanted, themes, claims, client, memory, show)
            found.extend({**asdict(one), "now": names[one.theme]} for one in proposed)
    except BudgetSpent as error:
        tell(f"{error}: the same command asks for the rest.")
        code = PARTIAL
    except EndpointError as error:
        if not found:
            raise
        tell(str(error))
        code = PARTIAL
    return code, found


def adopt(here: Project, id_: str) -> int:
    """Exit code of taking the name proposed for a theme: a rename that holds on every run."""
    from miner.model import Decision
    from miner.proposals import Proposals
    from miner.undoing import remembered

    knowledge = _mined(here)
    theme = knowledge.theme(id_)
    found = theme and Proposals(knowledge.engine).standing(theme, knowledge.claims(theme=theme.id))
    if not theme or not found:
        tell(f"{id_}: no name is proposed that may be adopted; see `folkgrade themes --propose 20`")
        return ERROR
    decision = Decision(
        action="rename",
        target=theme.id,
        value={"name": found.name},
        who=COMMAND,
        when=datetime.now(UTC),
        why=f"proposed by {found.model}",
    )
    knowledge.decide(remembered(decision, [theme]))
    tell(f"{theme.name} is called {found.name} from the next run on. Next: folkgrade mine")
    return OK


def _claims(knowledge: Knowledge, theme: str) -> list[Claim]:
    return knowledge.claims(theme=theme)


def _mined(here: Project) -> Knowledge:
    """The store; NothingMined where no run was."""
    knowledge = here.stores()[1]
    knowledge.concluded()
    return knowledge
