"""Do themes stay themselves? Measured on the written threads, each a document.

    python benchmarks/stability.py [--model NAME] [--draws N] [--seed N]

Prints the share of claims that keep their theme's id after 20 % more documents and after 10 %
fewer, what happened to themes then, agreement (adjusted Rand index) over four seeds of what is
grouped by way of a graph, whether two runs are equal byte by byte whatever the order of documents,
whether a rename and a merge hold, and how stable themes are without a fifth of the phrases.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from miner.communities import communities
from miner.decisions import shaped
from miner.embed import DEFAULT, load
from miner.identity import Fates, fates, former_themes
from miner.model import Claim, Decision, Kind, Quote
from miner.phrases import ideas
from miner.stability import ROUNDS, rand
from miner.themes import Grouped, Grouping, apply_decisions, group

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "training"))
import written

Rows = NDArray[np.float32]
Labels = NDArray[np.int64]
Encode = Callable[[Sequence[str]], Rows]

KINDS: Mapping[str, Kind] = {"symptom_trigger": "trigger"}
MORE, FEWER = 1 / 1.2, 0.9
SEEDS = (1, 2, 3, 4)
SURE = 0.75


def claims_of_threads() -> list[Claim]:
    """The marked claims, each said by the author of its post."""
    return [
        Claim(
            kind=KINDS.get(row["kind"], cast("Kind", row["kind"])),
            phrase=row["target"],
            phrase_start=row["start"],
            quote=Quote(document=thread["id"], part=str(post["n"]), start=row["start"],
                        text=row["quote"]),
            author=f"{thread['id']} {post['author']}",
        )
        for thread in written.threads()
        for post in thread["posts"]
        for row in post["claims"]
    ]  # fmt: skip


def remembering(encode: Encode) -> Encode:
    """The encoder, asked once for each text."""
    known: dict[str, NDArray[np.float32]] = {}

    def encoded(texts: Sequence[str]) -> Rows:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        known.update(zip(new, encode(new) if new else (), strict=True))
        return np.stack([known[text] for text in texts])

    return encoded


def home(grouped: Grouped) -> dict[str, str]:
    """Claim id to theme id."""
    return {claim: theme.id for theme in grouped.themes for claim in theme.claims}


def kept(before: Grouped, after: Grouped) -> float:
    """Share of the claims of both runs that have the same theme id in both."""
    one, other = home(before), home(after)
    both = one.keys() & other.keys()
    return sum(one[claim] == other[claim] for claim in both) / len(both)


def changed(claims: Sequence[Claim], encode: Encode, share: float, seed: int) -> tuple[float, str]:
    """What is kept from a run on a share of the documents to one on all, or back; what happened."""
    documents = sorted({claim.quote.document for claim in claims})
    some = set(random.Random(seed).sample(documents, round(share * len(documents))))
    part = [claim for claim in claims if claim.quote.document in some]
    old, new = (part, claims) if share == MORE else (claims, part)
    first = group(old, encode)
    second = group(new, encode, former_themes(first.themes, old))
    events = Counter(event.kind for event in second.events)
    again = group(new, encode, former_themes(second.themes, new))
    rest = "a further run changes nothing" if again.themes == second.themes else "NOT AT REST"
    told = ", ".join(f"{n} {kind}" for kind, n in sorted(events.items()))
    return kept(first, second), f"{told}; {rest}"


def over_seeds(claims: Sequence[Claim], encode: Encode) -> list[tuple[str, float, float]]:
    """Mean and least agreement on the remedies: of the themes, and of the bare communities."""
    remedies = [claim for claim in claims if claim.kind == "remedy"]
    phrases = sorted(set(ideas(remedies).values()))
    rows = encode(phrases)
    bare = [communities(rows, phrases, seed=seed) for seed in SEEDS]
    hows = [Grouping(exact=len(phrases) // 2, seed=seed) for seed in SEEDS]
    themes = [_numbers(group(remedies, encode, how=how)) for how in hows]
    return [("themes", *_agreement(themes)), ("bare communities", *_agreement(bare))]


def _numbers(grouped: Grouped) -> Labels:
    """A label for each claim, claims in order of their ids."""
    place = home(grouped)
    return np.unique([place[claim] for claim in sorted(place)], return_inverse=True)[1].reshape(-1)


def _agreement(found: Sequence[Labels]) -> tuple[float, float]:
    agreed = [rand(one, other) for one, other in combinations(found, 2)]
    return statistics.mean(agreed), min(agreed)


def decisions_hold(claims: Sequence[Claim], encode: Encode) -> bool:
    """Whether a rename and a merge are as people set them after a run with 20 % more documents."""
    documents = sorted({claim.quote.document for claim in claims})
    known = set(random.Random(0).sample(documents, round(MORE * len(documents))))
    old = [claim for claim in claims if claim.quote.document in known]
    first = group(old, encode)
    into, gone, other = [t for t in first.themes if t.kind == "remedy"][:3]
    when = datetime(2026, 1, 1, tzinfo=UTC)
    made = [
        Decision(action="rename", target=other.id, value={"name": "As we call it"}, who="me",
                 when=when),
        Decision(action="merge", target=gone.id, value={"into": into.id}, who="me", when=when),
    ]  # fmt: skip
    themes, events, now = first.themes, list(first.events), first
    for some in (old, list(claims)):
        gone_ids: Fates = fates(events, {theme.id for theme in themes})
        previous = former_themes(themes, old, gone_ids, held=shaped(made))
        now = apply_decisions(group(some, encode, previous), some, made, previous)
        themes, events = now.themes, [*events, *now.events]
    place, names = home(now), {theme.id: theme.name for theme in now.themes}
    merged = {place[claim] for claim in gone.claims} == {into.id}
    return merged and names.get(other.id) == "As we call it" and gone.id not in names


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default=DEFAULT)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    claims, encode = claims_of_threads(), remembering(load(chosen.model).encode)
    whole = group(claims, encode, how=Grouping(rounds=ROUNDS))
    documents = len({claim.quote.document for claim in claims})
    print(f"{documents} documents, {len(claims):,} claims, {len(whole.themes):,} themes")
    for name, share in (("20 % more documents", MORE), ("10 % fewer", FEWER)):
        for draw in range(chosen.draws):
            same, told = changed(claims, encode, share, chosen.seed + draw)
            print(f"{name}, draw {draw}: {100 * same:.2f} % of claims keep their id ({told})")
    for name, mean, least in over_seeds(claims, encode):
        print(f"{name} over {len(SEEDS)} seeds: ARI {mean:.3f} on average, {least:.3f} at least")
    mixed = random.Random(chosen.seed).sample(claims, len(claims))
    equal = repr(group(mixed, encode, how=Grouping(rounds=ROUNDS))) == repr(whole)
    print(f"two runs, documents in another order: {'equal' if equal else 'NOT EQUAL'} byte by byte")
    print(f"a rename and a merge {'hold' if decisions_hold(claims, encode) else 'DO NOT HOLD'}")
    sure_of = sorted(theme.stability for theme in whole.themes if theme.stability is not None)
    middle = statistics.median(sure_of) if sure_of else float("nan")
    sure = sum(value >= SURE for value in sure_of)
    print(
        f"{len(sure_of)} themes of 3 phrases or more: stability {middle:.2f} in the middle, ",
        end="",
    )
    print(f"{sure} of them at {SURE} or more")


if __name__ == "__main__":
    main()
