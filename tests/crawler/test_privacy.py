"""Privacy: pseudonyms, masks and the key file."""

from __future__ import annotations

import os
import re
import stat
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawler.documents import Article, Document, Post, Quoted, Source, Study, Thread
from crawler.errors import KeyFileError
from crawler.privacy import is_telling, load_key, mask, pseudonym, pseudonymise

KEY = bytes(range(32))
NOW = datetime(2024, 9, 6, tzinfo=UTC)


def source(url: str = "https://f.example/t/1") -> Source:
    return Source(url=url, site="f.example", fetched=NOW, engine="discourse")


def thread(*posts: Post, title: str = "Knees") -> Thread:
    return Thread(source=source(), title=title, posts=posts)


def post(text: str, author: str | None = "rock_goat", **more: object) -> Post:
    return Post(id="1", number=1, text=text, author=author, **more)  # type: ignore[arg-type]


def hidden(document: Document) -> Thread:
    """The pseudonymised thread."""
    found = pseudonymise(document, KEY)
    assert isinstance(found, Thread)
    return found


def test_pseudonym_is_short_hex_and_stable() -> None:
    """`m_` and ten hex digits, however the name is spelt."""
    assert re.fullmatch(r"m_[0-9a-f]{10}", pseudonym("Bea", "f.example", KEY))
    assert pseudonym("Bea", "f.example", KEY) == pseudonym(" bea ", "f.example", KEY)


def test_pseudonym_differs_by_site_and_key() -> None:
    """One person on two sites is two; without the key no one can make it."""
    names = {
        pseudonym("Bea", "f.example", KEY),
        pseudonym("Bea", "g.example", KEY),
        pseudonym("Bea", "f.example", KEY[::-1]),
    }
    assert len(names) == 3


def test_authors_and_quoted_authors_are_pseudonyms() -> None:
    """The quoted and the quoting one keep one identity."""
    quote = Quoted(text="hot bath", author="Moss", post="9")
    found = hidden(thread(post("Nothing helped.", quotes=(quote,)), post("Hot bath.", "Moss")))
    assert found.posts[0].quotes[0].author == found.posts[1].author
    assert not re.search(r"moss|goat", repr(found), re.I)


def test_unnamed_post_stays_unnamed() -> None:
    """No name, no pseudonym."""
    assert hidden(thread(post("x", None))).posts[0].author is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi Moss, ice did nothing.", "Hi [name], ice did nothing."),
        ("Thanks Ice!", "Thanks [name]!"),
        ("As Hip said, wait.", "As [name] said, wait."),
        ("@somebody.new try heat", "[name] try heat"),
        ("rock_goat has it", "[name] has it"),
        ("ROCK_GOAT has it", "[name] has it"),
        ("FellRunner wrote:\nyes", "[name] wrote:\nyes"),
        ("Long Tall Sal is right", "[name] is right"),
        ("I'm Dave and my wife Sarah drove", "I'm [name] and my wife [name] drove"),
        ("It works.\n\nCheers,\nAnna", "It works.\n\nCheers,\n[name]"),
        ("Dear Brunhild,\nno", "Dear [name],\nno"),
        ("according to Moss.", "according to [name]."),
        ("Thanks Gwendolyn Pextonby!", "Thanks [name]!"),
        ("I am Dave van der Quarn, by the way", "I am [name], by the way"),
        ("My name is Anna Zelvorth and I run", "My name is [name] and I run"),
    ],
)
def test_name_is_masked_where_it_is_a_name(text: str, expected: str) -> None:
    """Spoken to, mentioned, quoted, signed; distinctive ones anywhere."""
    names = {"Moss", "Ice", "Hip", "rock_goat", "FellRunner", "Long Tall Sal"}
    assert mask(text, names) == expected


@pytest.mark.parametrize(
    "text",
    [
        "My hip hurts, ice helped, Ice for ten minutes.",
        "hey hip flexors are tight",
        "Hi all, thanks for the help",
        "Hello Doctor, any news?",
        "Flat pedals are flat.",
        "my doctor said: rest",
        "Thomas test was positive",
        "I hope so. Hope is free.",
        "Thanks! Voltaren helped.",
    ],
)
def test_ordinary_words_survive_users_of_that_name(text: str) -> None:
    """A member called Hip must not take the hip out of the forum."""
    assert mask(text, {"Hip", "Ice", "Hope", "Flat", "Doctor", "Rest", "Flexors"}) == text


def test_what_follows_a_given_name_stays_where_it_is_no_family_name() -> None:
    """A word of injury talk, or one with which a new sentence begins."""
    assert mask("Hi Mike Physio is best.") == "Hi [name] Physio is best."
    assert mask("Hi Mike. Pextonby is a town.") == "Hi [name]. Pextonby is a town."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to a.b+c@mail.example.org now", "write to [email] now"),
        ("jane (at) clinic (dot) org", "[email]"),
        ("call 07700 900123", "call [phone]"),
        ("+44 20 7946 0958 or 555-123-4567", "[phone] or [phone]"),
        ("text me at 555 0142 tonight", "text me at [phone] tonight"),
        ("see https://f.example/u/moss/summary there", "see [profile] there"),
        ("https://www.instagram.com/some.runner", "[profile]"),
        ("a (dot) b at c dot org", "[email]"),
        ("bea [at] host.example or bea{at}mail{dot}org", "[email] or [email]"),
        ("bea.b at gmail.com, bea_at_mail_dot_com", "[email], [email]"),
        ("b @ mail.example.org!", "[email]!"),
        ("+44 (0)20 7946 0958, 0044 20 7946 0958", "[phone], [phone]"),
        ("(020) 7946 0958 or +49 (0) 30 1234567", "[phone] or [phone]"),
        ("1-800-555-0199 or 555-123-4567 x89", "[phone] or [phone]"),
        ("+33 6 12 34 56 78, 06 12 34 56 78", "[phone], [phone]"),
        ("my insta is fell_runner9", "my insta is [name]"),
        ("u/fell-runner and /u/mossy said so", "[name] and [name] said so"),
        ("https://smf.example/index.php?action=profile;u=7", "[profile]"),
        ("https://www.reddit.com/user/mossy/comments", "[profile]"),
        ("https://pics.example/rock_goat/knee.jpg", "[profile]"),
    ],
)
def test_contacts_are_masked(text: str, expected: str) -> None:
    """E-mail, phone and addresses that lead to a person."""
    assert mask(text, {"rock_goat"}) == expected


@pytest.mark.parametrize(
    "text",
    [
        "3x10 at 100-120 kg, 2019-2026, 10-12 reps",
        "on 2020-03-04 10:11 it hurt",
        "doi 10.1136/bjsports-2016-096634",
        "https://doi.org/10.1002/14651858.CD012345.pub2",
        "PMID 12345678, 1,000,000 steps",
        "12 @ 90 degrees",
        "ran 400 800 1600, then 200 400 1000",
        "+10 12 15 20 kg each week, 5 10 15 20 25 30 35",
        "2019;45(3):123-130, ISBN 978-3-16-148410-0",
        "0-10-20-30 min, 8-8-8-6-6, 7/10 at rest",
        "looked at webmd.com at the red dot on the screen",
        "strava 10k time, signal was 3T, threads on knees",
    ],
)
def test_numbers_that_are_no_phones_stay(text: str) -> None:
    """Doses, dates and references are the matter of this project."""
    assert mask(text) == text


def test_title_is_masked() -> None:
    """A thread may be addressed to somebody."""
    assert hidden(thread(post("x"), title="Question for rock_goat")).title == "Question for [name]"


def test_permalink_with_a_name_is_dropped() -> None:
    """An address that names the author would undo the pseudonym."""
    named = hidden(thread(post("x", url="https://f.example/users/rock_goat/posts/1")))
    plain = hidden(thread(post("x", url="https://f.example/t/1/1")))
    assert (named.posts[0].url, plain.posts[0].url) == (None, "https://f.example/t/1/1")


def test_names_of_other_threads_are_masked() -> None:
    """A telling name met elsewhere on the site is hidden here too; a word only with its capital."""
    document = thread(post("ask fell_runner_9, Zwirbel or the zwirbel, Turtle or a turtle", "Ice"))
    found = pseudonymise(document, KEY, names={"fell_runner_9", "zwirbel", "turtle"})
    assert isinstance(found, Thread)
    assert found.posts[0].text == "ask [name], [name] or the [name], [name] or a turtle"


def test_full_names_of_other_threads_are_masked() -> None:
    """Of two words with capitals, one of them no ordinary one, however they are written."""
    document = thread(post("As Kirsten Zelvorth and KIRSTEN ZELVORTH say: Flat Pedals", "Ice"))
    found = pseudonymise(document, KEY, names={"kirsten zelvorth", "flat pedals"})
    assert isinstance(found, Thread)
    assert found.posts[0].text == "As [name] and [name] say: Flat Pedals"


@pytest.mark.parametrize(
    ("name", "telling"),
    [("fell_runner_9", True), ("FellRunner", True), ("Zwirbel", True), ("Psoas", False)],
)
def test_ordinary_names_are_not_remembered(name: str, telling: bool) -> None:
    """A member called Psoas must not take the psoas out of every thread of the site."""
    assert is_telling(name) == telling


def test_article_keeps_its_by_line_and_loses_contacts() -> None:
    """Articles are signed on purpose; desks and phones are still no evidence."""
    article = Article(source=source(), title="Heel", text="Mail x@y.example.", author="O. Marsh")
    found = pseudonymise(article, KEY)
    assert isinstance(found, Article)
    assert (found.author, found.text) == ("O. Marsh", "Mail [email].")


def test_study_is_left_as_it_is() -> None:
    """Records of a literature service hold no members."""
    study = Study(source=source(), title="Heel", abstract="n=40")
    assert pseudonymise(study, KEY) is study


def test_key_is_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    """Thirty-two random bytes, mode 600, the same ever after."""
    path = tmp_path / "key"
    key = load_key(path)
    assert (len(key), stat.S_IMODE(path.stat().st_mode)) == (32, 0o600)
    assert load_key(path) == key


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_key_others_may_read_is_refused(tmp_path: Path) -> None:
    """A key that is no secret makes no pseudonyms; the way out is named."""
    path = tmp_path / "key"
    load_key(path)
    path.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        load_key(path)


def test_lost_key_is_not_replaced_where_pseudonyms_were_made_with_it(tmp_path: Path) -> None:
    """A new key would give every member a second pseudonym; nothing is written."""
    with pytest.raises(KeyFileError, match="restore it"):
        load_key(tmp_path / "key", must_exist=True)
    assert not list(tmp_path.iterdir())
    made = load_key(tmp_path / "key")
    assert load_key(tmp_path / "key", must_exist=True) == made


def test_damaged_key_is_refused(tmp_path: Path) -> None:
    """Half a key would give every author a second pseudonym."""
    path = tmp_path / "key"
    path.touch(0o600)
    with pytest.raises(KeyFileError, match="not a key"):
        load_key(path)


def test_key_in_a_missing_folder_is_refused(tmp_path: Path) -> None:
    """The error names the path."""
    with pytest.raises(KeyFileError, match="nowhere"):
        load_key(tmp_path / "nowhere" / "key")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Without zwirbel the thread is dull", "Without [name] the thread is dull"),
        ('[quote="Zwirbel"]Try heat[/quote]', '[quote="[name]"]Try heat[/quote]'),
        ("the psoas, the tendinosis, a runner", "the psoas, the tendinosis, a runner"),
    ],
)
def test_plain_name_is_masked_unless_it_is_a_word(text: str, expected: str) -> None:
    """A name of mere letters goes; a word of injury talk stays, whoever is called so."""
    assert mask(text, {"Zwirbel", "Psoas", "Tendinosis", "Runner"}) == expected


@pytest.mark.parametrize(
    "piece",
    [
        "\n",
        ">\n",
        " \n",
        "a.",
        "1-",
        "1.",
        "www.",
        "hi a ",
        "A said ",
        "call 1",
        "a [at] ",
        "+49 1",
        "a dot ",
        "a at ",
        "ig @",
    ],
)
def test_masking_takes_time_in_proportion_to_the_text(piece: str) -> None:
    """Far under a second each; a pattern that tries every start again takes minutes."""
    begun = time.process_time()
    mask((piece * 100_000)[:100_000], ["rock_goat7", "Long Tall Sal"])
    assert time.process_time() - begun < 5


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("evil bob99", "evil_bob99"),
        ("Evil-Bob99", "evil_bob99"),
        ("evilbob99", "evil_bob99"),
        ("EVIL_BOB99", "evil_bob99"),
        ("@evil-bob99", "evil_bob99"),
        ("evil_bob99", "EvilBob99"),
        ("STRASSE MÜLLER", "Straße Müller"),
        ("straße müller", "Straße Müller"),
        ("олег 77", "ОЛЕГ_77"),
    ],
)
def test_name_is_masked_however_it_is_spelt(text: str, name: str) -> None:
    """Joined, spaced, in capitals or with its letters folded."""
    assert mask(f"I think {text} is right", [name]) == "I think [name] is right"


@pytest.mark.parametrize("name", ["knee_20", "hip_pain", "Flat Pedals", "hip2"])
def test_words_that_make_a_name_by_chance_are_kept(name: str) -> None:
    """Ordinary words and numbers of their own stay words."""
    text = "my knee 20 times, hip pain on flat pedals, hip 2 weeks"
    assert mask(text, [name]) == text


def test_key_is_never_found_half_written(tmp_path: Path) -> None:
    """It is written elsewhere first; nothing else stays behind."""
    key = load_key(tmp_path / "key")
    assert [path.name for path in tmp_path.iterdir()] == ["key"]
    assert load_key(tmp_path / "key") == key
