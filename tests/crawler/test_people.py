"""People are masked by what stands around their names, and by the parts of the names they show."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.contacts import contacts
from crawler.corpus import Corpus
from crawler.database import open_database
from crawler.documents import Thread
from crawler.files import Request, read_file
from crawler.frontier import Frontier
from crawler.intake import Intake
from crawler.privacy import mask

KEY = bytes(range(32))
MEMBERS = {"Orlaith Brambury", "Tavish Quent", "Will Sharp", "Sore Heel", "Ice Queen"}

SHOWN = [
    ("Orlaith, the roller did nothing", "[name], the roller did nothing"),
    ("> Tavish, try heat", "> [name], try heat"),
    ("It eased.\n\nTavish", "It eased.\n\n[name]"),
    ("Thanks Tavish.", "Thanks [name]."),
    ("As O. Brambury wrote, wait", "As [name] wrote, wait"),
    ("the splint of Brambury's, said orlaith", "the splint of [name]'s, said [name]"),
    ("Will, use ice", "[name], use ice"),
    ("Thanks Will!", "Thanks [name]!"),
    ("It eased.\n\nWill", "It eased.\n\n[name]"),
    ("as Will said", "as [name] said"),
]
INTRODUCED = [
    ("Hi, I'm Orlaith Brambury from Penrith", "Hi, I'm [name] from Penrith"),
    ("I am Rose Tollervane, 44", "I am [name], 44"),
    ("My name is Sky Meadow and my hip aches", "My name is [name] and my hip aches"),
    ("my name is orlaith and i run", "my name is [name] and i run"),
    ("Hello, this is Tavish Quent.", "Hello, this is [name]."),
    ("they call me a cripple, just call me Tavish", "they call me a cripple, just call me [name]"),
    ("my coach, Tavish Quent, laughed", "my coach, [name], laughed"),
]
TITLED = [
    ("My physio Dr. Tavish Quent said rest", "My physio Dr. [name] said rest"),
    ("Dr. Orlaith Brambury injected it", "Dr. [name] injected it"),
    ("My surgeon, Mr David Quent, agreed", "My surgeon, Mr [name], agreed"),
    ("Mrs O'Brambury-Quent's class", "Mrs [name]'s class"),
    ("saw Prof. van der Quent", "saw Prof. [name]"),
    ("Dr J. Brambury was kind", "Dr [name] was kind"),
    ("dr brambury was kind", "dr [name] was kind"),
    ("Dr Green was kind", "Dr [name] was kind"),
]
SIGNED = [
    ("It eased. Signed, Tavish", "It eased. Signed, [name]"),
    ("Rest it.\nKind regards,\nTavish Quent", "Rest it.\nKind regards,\n[name]"),
    ("Rest it.\nThanks - Orlaith\nPS: and ice", "Rest it.\nThanks - [name]\nPS: and ice"),
]


@pytest.mark.parametrize(("text", "expected"), SHOWN)
def test_single_parts_of_a_shown_name_are_masked(text: str, expected: str) -> None:
    """Anywhere where they are no words; else where a name stands."""
    assert mask(text, MEMBERS) == expected


@pytest.mark.parametrize(("text", "expected"), [*INTRODUCED, *TITLED, *SIGNED])
def test_people_nobody_has_heard_of_are_masked(text: str, expected: str) -> None:
    """Who says who they are, has a title or signs is somebody."""
    assert mask(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "I will do it, my heel is sore and sharp. Will it help?",
        "Ice, rest and time. Heel, toe, heel.",
        "I'm Type Two diabetic, I'm Type A, I'm British",
        "I'm Ehlers Danlos, and this is Osgood Schlatter",
        "I am Team Rest. This is Physio Band work",
        "Dr. Scholl's insoles, Dr Pepper, Dr Google",
        "I saw the Dr. Then it eased. Ask your Dr. Ibuprofen is no sweet",
        "My MS Patient group. Miss Running so much",
        "my name is not important",
        "my dr prescribed rest, the dr recommended ice",
        "Thanks, Everyone",
        "Best,\nHeat",
    ],
)
def test_words_that_look_like_names_stay(text: str) -> None:
    """Types, diseases, brands, beginnings of sentences and words of grammar."""
    assert mask(text, MEMBERS) == text


CONTACTS = [
    ("my number 07700900123", "my number [phone]"),
    ("02079460123", "[phone]"),
    ("ring 5550104477 at night", "ring [phone] at night"),
    ("(+44) 7700 900123", "[phone]"),
    ("see facebook.com/orlaith.brambury or uk.linkedin.com/in/quent",
     "see [profile] or [profile]"),
    ("discord: orlaith#1234", "discord: [name]"),
    ("tavish @ gmail . com", "[email]"),
    ("tavish\uff20posthaus.example", "[email]"),
    ("pay GB29 NWBK 6016 1331 9268 19.", "pay [number]."),
    ("SSN 123-45-6789", "SSN [number]"),
    ("NHS number 943 476 5919", "NHS number [number]"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CONTACTS)
def test_contacts_written_carelessly_are_masked(text: str, expected: str) -> None:
    """Digits on end, addresses without their beginning, signs set apart, numbers of accounts."""
    assert contacts(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "PMID 12345678, ISBN 9783161484100, ISBN 0306406152, doi 10.1136/1234567890",
        "over 10000000000 steps, 3 x 1234567 each, order 5550104477, 1234567890.5",
        "https://a.example/x/07700900123?y=5550104477",
        "GB29 NWBK 6016 1331 9268 18, AB12 CDEF 3456 7890",
        "look @ web. It says netflix.com/sport and facebook.com",
        "case#1234, discord 3",
    ],
)
def test_references_and_counts_stay(text: str) -> None:
    """Numbers of books, papers and orders lead to nobody."""
    assert contacts(text) == text


@pytest.mark.parametrize("text", [text for text, _ in [*SHOWN, *INTRODUCED, *TITLED, *SIGNED]])
def test_masking_what_is_masked_changes_nothing(text: str) -> None:
    """A text may pass more than once."""
    once = mask(text, MEMBERS)
    assert mask(once, MEMBERS) == once


def test_nobody_is_masked_in_threads_without_names() -> None:
    """In the project's written threads, people aside who have a title."""
    written = Path(__file__).parents[2] / "training" / "written"
    lines = [line for path in sorted(written.glob("w1*.txt")) for line in path.open()]
    masked = [line for line in lines if "@" not in line and mask(line) != line]
    assert len(lines) > 1000
    assert len(masked) <= len(lines) / 500, masked


MBOX = """From o@mail.example Mon Jan  6 10:00:00 2025
From: Orlaith Brambury <o@mail.example>
Subject: Massage gun
Message-ID: <one@mail.example>
Date: Mon, 06 Jan 2025 10:00:00 +0100

The massage gun did nothing, thanks Will.

Orlaith

From t@mail.example Tue Jan  7 10:00:00 2025
From: Tavish Quent <t@mail.example>
Subject: Re: Massage gun
Message-ID: <two@mail.example>
In-Reply-To: <one@mail.example>
Date: Tue, 07 Jan 2025 10:00:00 +0100

Orlaith, the massage gun is dear. So says O. Brambury too.

From w@mail.example Wed Jan  8 10:00:00 2025
From: Will Sharp <w@mail.example>
Subject: Night splint
Message-ID: <three@mail.example>
Date: Wed, 08 Jan 2025 10:00:00 +0100

I will ask Tavish about a sharp pain, or Quent's wife.
"""


def test_the_store_of_a_mailing_list_holds_no_part_of_a_name(tmp_path: Path) -> None:
    """Also where its bearer writes in another thread, and later; the words stay."""
    path = tmp_path / "list.mbox"
    path.write_text(MBOX)
    engine = open_database(str(tmp_path / "folkgrade.db"))
    corpus = Corpus(engine)
    with Intake(corpus, Frontier(engine), KEY) as intake:
        for document in read_file(
            path, Request(fetched=datetime(2026, 1, 1, tzinfo=UTC))
        ).documents:
            intake.take(document)
    threads = [found for found in corpus.documents() if isinstance(found, Thread)]
    texts = "\n".join(post.text for thread in threads for post in thread.posts)
    engine.dispose()
    assert len(threads) == 2
    assert not [name for name in ("rlaith", "rambury", "avish", "uent", "Will") if name in texts]
    assert "I will ask [name] about a sharp pain" in texts
