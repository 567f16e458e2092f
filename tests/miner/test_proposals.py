"""Names a chat model proposes, against a server on loopback that answers as such servers do."""

from __future__ import annotations

import contextlib
import io
import json
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import folkgrade
from console.project import Project, make_project
from miner.counts import tally
from miner.endpoint import BudgetSpent, Client, Endpoint, EndpointError
from miner.knowledge import Knowledge, Run
from miner.model import Claim, Mined, Quote, Theme
from miner.proposals import Proposal, Proposals, phrases_of, propose, refusal

SAID = {"rem-ice": ["ice packs", "ice pack", "icing the heel", "ice packs"],
        "rem-tape": ["kinesio tape", "taping", "tape from @BigFoot99"],
        "rem-rest": ["rest"]}  # fmt: skip


class Server:
    """A chat endpoint that gives the answers of a test, the last one for ever."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answers: list[tuple[int, str]] = [(200, "{}")]
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.asked.append(json.loads(body))
                more = len(outer.answers) > 1
                status, text = outer.answers.pop(0) if more else outer.answers[0]
                choice = {"message": {"content": text}, "finish_reason": "stop"}
                told = {"choices": [choice]} if status == 200 else {"error": text}
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(told).encode())

            def log_message(self, *_: object) -> None: ...

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True).start()

    def client(self, requests: int = 100) -> Client:
        """A client that asks it, and waits for nothing."""
        url = f"http://127.0.0.1:{self.http.server_port}/v1"
        return Client(Endpoint(url=url, model="tiny", requests=requests), lambda _: None)

    def named(self, *names: str) -> None:
        """What it answers next."""
        self.answers = [(200, json.dumps({"name": name})) for name in names]


@pytest.fixture
def server() -> Iterator[Server]:
    """Answers on loopback until the test ends."""
    served = Server()
    yield served
    served.http.shutdown()
    served.http.server_close()


def claims(theme: str) -> list[Claim]:
    """What members say of a theme, each phrase by somebody else."""
    return [
        Claim(
            kind="remedy",
            phrase=phrase,
            phrase_start=0,
            quote=Quote(document=f"https://f.example/{theme}", part=str(n), start=0, text=phrase),
            author=f"m_{n:010x}",
        )
        for n, phrase in enumerate(SAID[theme])
    ]


def theme(id_: str, name: str = "") -> Theme:
    """A theme of these claims, called by its first phrase."""
    own = claims(id_)
    ids = tuple(claim.id for claim in own)
    return Theme(id=id_, kind="remedy", name=name or SAID[id_][0], claims=ids, tally=tally(own))


THEMES = [theme(id_) for id_ in SAID]


@pytest.fixture
def store(project: tuple[Any, Knowledge]) -> Proposals:
    """Where proposals are kept, with none in it."""
    return Proposals(project[1].engine)


def proposed(server: Server, store: Proposals, *ids: str, requests: int = 100) -> list[Proposal]:
    """The proposals for some of the themes."""
    wanted = [one for one in THEMES if one.id in ids]
    return list(propose(wanted, THEMES, claims, server.client(requests), store))


def test_a_proposal_stands_beside_its_theme_until_the_theme_is_called_so(
    server: Server, store: Proposals
) -> None:
    """It is kept with who proposed it; what has that name already is proposed nothing."""
    server.named("Icing")
    (found,) = proposed(server, store, "rem-ice")
    assert found == Proposal(theme="rem-ice", name="Icing", model="tiny")
    assert store.standing(theme("rem-ice"), claims("rem-ice")) == found
    assert store.standing(theme("rem-ice", "icing"), claims("rem-ice")) is None
    assert store.standing(theme("rem-tape"), claims("rem-tape")) is None


def test_the_same_is_never_asked_twice_and_what_changed_is_asked_anew(
    server: Server, store: Proposals
) -> None:
    """Neither what was refused nor what was proposed; a further phrase makes another question."""
    server.named("Icing", "wonder cure")
    first = proposed(server, store, "rem-ice", "rem-tape")
    assert proposed(server, store, "rem-ice", "rem-tape") == first
    assert len(server.asked) == 2
    more = [*claims("rem-ice"), replace(claims("rem-ice")[0], phrase="frozen peas")]
    list(propose([theme("rem-ice")], THEMES, lambda _: more, server.client(), store))
    assert len(server.asked) == 3


def test_what_is_sent_is_cold_schema_bound_and_without_names(
    server: Server, store: Proposals
) -> None:
    """Phrases travel as data, masked, those of most people first; quotes stay at home."""
    server.named("taping")
    proposed(server, store, "rem-tape", "rem-ice")
    told = [json.loads(asked["messages"][1]["content"]) for asked in server.asked]
    assert told[0]["phrases"] == ["ice packs", "ice pack", "icing the heel"]
    assert told[1]["phrases"][2] == "taping"
    assert "tape from [name]" in told[1]["phrases"]
    assert server.asked[0]["temperature"] == 0
    assert server.asked[0]["response_format"]["json_schema"]["schema"]["required"] == ["name"]
    assert "BigFoot" not in json.dumps(server.asked)
    assert "f.example" not in json.dumps(server.asked)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("best ice packs", "judges: best"),
        ("Ice that Heals", "judges: heals"),
        ("cryotherapy", "not in members' words: cryotherapy"),
        ("ice packs of Dr Miller", "not in members' words: dr"),
        ("ICE PACKS", "is its name already"),
        ("of the", "no name"),
        ("", "no name"),
        ("ice <b>packs</b>", "holds what no name does"),
        ("ice pack ice pack ice pack ice", "too long"),
    ],
)
def test_a_name_that_judges_or_says_what_members_do_not_is_refused(name: str, reason: str) -> None:
    """Whatever the model is sure of."""
    assert refusal(name, theme("rem-ice"), phrases_of(claims("rem-ice"))) == reason


@pytest.mark.parametrize("name", ["Icing", "ice pack", "packs of ice", "heel icing"])
def test_members_words_in_any_form_may_be_a_name(name: str) -> None:
    """Endings, order and small words are free."""
    assert refusal(name, theme("rem-ice"), phrases_of(claims("rem-ice"))) == ""


@given(st.text(max_size=80))
def test_no_answer_breaks_the_judging_of_names(name: str) -> None:
    """Any text is a name or is refused, in words."""
    assert isinstance(refusal(name, theme("rem-ice"), ["ice packs", "icing"]), str)


@pytest.mark.parametrize(
    "text",
    ["", "Icing", "[]", '{"name": 3}', '{"title": "Icing"}', '{"name": ["Icing"]}', '{"name": "Ic'],
)
def test_an_answer_without_a_name_is_kept_as_refused(
    server: Server, store: Proposals, text: str
) -> None:
    """It is not asked again, and nothing can be adopted."""
    server.answers = [(200, text)]
    (found,) = proposed(server, store, "rem-ice")
    assert (found.name, found.refused) == ("", "no name in the answer")
    assert store.standing(theme("rem-ice"), claims("rem-ice")) is None


def test_half_a_character_is_no_part_of_a_name(server: Server, store: Proposals) -> None:
    """JSON can name one, and no database can hold it."""
    server.answers = [(200, '{"name": "Ice \\ud83d"}')]
    (found,) = proposed(server, store, "rem-ice")
    assert found.refused == "holds what no name does"
    assert store.known("rem-ice") == found


def test_a_name_is_cut_out_of_thoughts_and_fences(server: Server, store: Proposals) -> None:
    """As chat models wrap what they are asked for."""
    server.answers = [(200, '<think>{"name": "x"}</think> Sure:\n```json\n{"name": "Icing"}\n```')]
    assert proposed(server, store, "rem-ice")[0].name == "Icing"


def test_a_name_that_another_theme_has_is_refused(server: Server, store: Proposals) -> None:
    """No two themes of a kind go by one name."""
    most = [*THEMES, theme("rem-rest", "Icing")]
    server.named("icing")
    found = list(propose([theme("rem-ice")], most, claims, server.client(), store))
    assert found[0].refused == "rem-rest has that name"


def test_a_theme_of_one_phrase_is_not_asked_about(server: Server, store: Proposals) -> None:
    """There is nothing to choose from."""
    assert proposed(server, store, "rem-rest") == []
    assert server.asked == []


def test_what_was_answered_before_the_budget_ended_is_kept(
    server: Server, store: Proposals
) -> None:
    """The next run asks for the rest alone."""
    server.named("Icing", "taping")
    with pytest.raises(BudgetSpent):
        proposed(server, store, "rem-ice", "rem-tape", requests=1)
    assert store.known("rem-ice") is not None
    proposed(server, store, "rem-ice", "rem-tape")
    assert len(server.asked) == 2


def test_an_endpoint_that_refuses_all_ends_the_asking(server: Server, store: Proposals) -> None:
    """With its own words."""
    server.answers = [(401, "no such key")]
    with pytest.raises(EndpointError, match="no such key"):
        proposed(server, store, "rem-ice", "rem-tape")
    assert len(server.asked) == 1


def test_a_theme_without_a_reply_is_passed_over(server: Server, store: Proposals) -> None:
    """The others are asked about."""
    server.answers = [(400, "what?")] * 3 + [(200, '{"name": "taping"}')]
    assert [one.theme for one in proposed(server, store, "rem-ice", "rem-tape")] == ["rem-tape"]


def test_a_damaged_proposal_is_none(server: Server, store: Proposals) -> None:
    """And is asked for again."""
    server.named("Icing")
    proposed(server, store, "rem-ice")
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE proposals SET value = value || 'x'")
    assert store.known("rem-ice") is None
    assert proposed(server, store, "rem-ice")[0].name == "Icing"


def test_who_is_forgotten_takes_the_proposals_along(
    server: Server, project: tuple[Any, Knowledge], store: Proposals
) -> None:
    """They are made of words, and nobody knows of whose."""
    server.named("Icing")
    proposed(server, store, "rem-ice")
    project[1].forget("m_aaaaaaaa01")
    assert store.known("rem-ice") is None


def test_words_that_were_forgotten_while_a_name_was_asked_for_come_back_in_none(
    server: Server, store: Proposals
) -> None:
    """What was proposed is neither kept nor told."""
    left = iter([claims("rem-ice"), claims("rem-ice")[:2]])
    server.named("Icing")
    told = propose([theme("rem-ice")], THEMES, lambda _: next(left), server.client(), store)
    assert list(told) == []
    assert store.known("rem-ice") is None


# The command line


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, next_run: Callable[..., Run]
) -> Knowledge:
    """A project with these themes, the current one."""
    folder = make_project(tmp_path / "heels").parent
    monkeypatch.chdir(folder)
    monkeypatch.setenv("FOLKGRADE_MINE__ENDPOINT_MODEL", "tiny")
    knowledge = Project(folder).stores()[1]
    of = {claim.id: id_ for id_ in SAID for claim in claims(id_)}
    every = tuple(claim for id_ in SAID for claim in claims(id_))
    knowledge.replace(next_run(), Mined(claims=every, theme_of=of, themes=tuple(THEMES)))
    return knowledge


def typed(*arguments: str) -> tuple[int, str, str]:
    """Exit code, results and messages of a command."""
    sys.argv = ["folkgrade", *arguments]
    with (
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()) as err,
    ):
        try:
            folkgrade.main()
        except SystemExit as end:
            return int(end.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def test_nothing_is_asked_without_an_endpoint_and_consent(
    server: Server, here: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bad configuration, exit code 4; listing themes asks nobody."""
    assert typed("themes", "--propose", "3")[0] == 4
    away = f"http://0.0.0.0:{server.http.server_port}/v1"
    monkeypatch.setenv("FOLKGRADE_MINE__ENDPOINT", away)
    assert typed("themes", "--propose", "3")[0] == 4
    assert typed("themes")[0] == 0
    assert server.asked == []


def test_a_proposed_name_is_adopted_by_a_person_alone(
    server: Server, here: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asking renames nothing; adopting is a decision with who, why and the way back."""
    monkeypatch.setenv("FOLKGRADE_MINE__ENDPOINT", server.client().endpoint.url)
    server.named("Icing", "wonder tape")
    code, out, _ = typed("themes", "--propose", "9", "--json")
    assert code == 0
    assert [(one["now"], one["name"], one["refused"]) for one in json.loads(out)] == [
        ("ice packs", "Icing", ""),
        ("kinesio tape", "wonder tape", "judges: wonder"),
    ]
    assert [one.name for one in here.themes()] == [one.name for one in THEMES]
    assert typed("themes", "--adopt", "rem-tape")[0] == 1
    assert here.decisions() == []
    assert typed("themes", "--adopt", "rem-ice")[0] == 0
    (made,) = here.decisions()
    assert (made.action, made.target, made.why) == ("rename", "rem-ice", "proposed by tiny")
    assert made.value == {"name": "Icing", "was": "ice packs"}
