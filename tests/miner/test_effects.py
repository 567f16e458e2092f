"""What an abstract says of one outcome, on invented abstracts."""

from __future__ import annotations

from pathlib import Path

import pytest

from miner.effects import Asked, effect_of, for_patients

PAIN = Asked("elbow pain", "putty", "wax")


@pytest.mark.parametrize(
    ("abstract", "effect"),
    [
        ("Elbow pain decreased more with putty than with wax.", "decrease"),
        ("Elbow pain was lower with wax than with putty.", "increase"),
        ("Putty brought greater improvement of elbow pain than wax.", "decrease"),
        ("Putty reduced more elbow pain than wax did.", "decrease"),
        ("Elbow pain fell in both groups, with no difference between groups.", "no_difference"),
        ("There was no significant difference between putty and wax in decrease of elbow pain.",
         "no_difference"),
        ("Elbow pain did not differ. Grip increased with putty.", "no_difference"),
        ("No group differences were found, except that elbow pain was lower after putty.",
         "decrease"),
        ("Putty and wax were similar in elbow pain.", "no_difference"),
        ("Singing was loud.", "no_difference"),
        ("", "no_difference"),
    ],
)  # fmt: skip
def test_up_and_down_are_of_the_outcome_with_the_treatment(abstract: str, effect: str) -> None:
    """Against the comparator, whichever of them the sentence begins with."""
    assert effect_of(abstract, PAIN).effect == effect


@pytest.mark.parametrize(
    ("outcome", "effect"),
    [("grip strength", "increase"), ("elbow pain", "decrease"), ("pain control", "increase")],
)
def test_better_is_down_where_more_is_worse(outcome: str, effect: str) -> None:
    """An improvement of pain is less of it, of its control more."""
    abstract = f"Putty improved {outcome} compared with wax."
    assert effect_of(abstract, Asked(outcome, "putty", "wax")).effect == effect


def test_aims_and_methods_are_no_results() -> None:
    """What was to be found is not what was found."""
    abstract = (
        "Background: putty has been reported to reduce elbow pain. "
        "Results: Elbow pain did not differ between groups."
    )
    answer = effect_of(abstract, PAIN)
    assert answer.effect == "no_difference"
    assert answer.sentence.startswith("Results")


@pytest.mark.parametrize(
    ("abstract", "direction"),
    [
        ("Pain decreased with putty.", "supports"),
        ("Putty did not change pain.", "no_effect"),
        ("Pain decreased with putty. Function was unchanged with putty.", "mixed"),
        ("Putty is green.", "unclear"),
    ],
)
def test_patients_fare_better_with_less_pain_and_more_function(
    abstract: str, direction: str
) -> None:
    """By every outcome the abstract speaks of."""
    assert for_patients(abstract, "putty")[0] == direction


@pytest.mark.shared
def test_effects_of_real_abstracts(shared: Path) -> None:
    """On the questions the rules were made with: more than two thirds over the three classes."""
    import csv
    import re
    from collections import Counter, defaultdict

    folder = shared / "literature/evidence_inference"
    gold: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in csv.DictReader(
        (folder / "labels.tsv").open(), delimiter="\t", quoting=csv.QUOTE_NONE
    ):
        gold[row["pmcid"], row["prompt_id"]][row["direction"]] += 1
    hits = Counter[str]()
    told, said = Counter[str](), Counter[str]()
    for row in csv.DictReader(
        (folder / "prompts.tsv").open(), delimiter="\t", quoting=csv.QUOTE_NONE
    ):
        text = (folder / f"abstracts/{row['pmcid']}.txt").read_text(errors="replace")
        abstract = re.sub(r"\bABSTRACT\.(?=[A-Z])", "", text)
        asked = Asked(row["outcome"], row["intervention"], row["comparator"])
        effect, right = effect_of(abstract, asked).effect, gold[row["pmcid"], row["prompt_id"]]
        truth = right.most_common(1)[0][0]
        told[effect] += 1
        said[truth] += 1
        hits[truth] += effect == truth
    scores = [2 * hits[name] / (told[name] + said[name]) for name in said]
    assert sum(scores) / len(scores) >= 0.67
