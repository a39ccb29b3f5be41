"""Both languages say the same things, and the ordered notices stand word for word."""

from string import Formatter
from types import ModuleType

import pytest

from agent.ui.texts import Texts, de, en, window_de, window_en
from agent.ui.texts.window import window_texts

ENGLISH, GERMAN = {**en.TEXTS, **window_en.TEXTS}, {**de.TEXTS, **window_de.TEXTS}

WORD_FOR_WORD = {
    "notice.page": "{sender} Is Paging For {object}",  # N-76
    "notice.page-you": "{sender} Is Paging You",
    "notice.connecting": "Connecting To Broker Services",  # N-12
    "notice.login-refused": "Connection Failure: Client-To-Broker Authentication Failure",  # N-17
    "notice.negotiating": "Connection Established: Negotiating Authentication",  # N-18
    "notice.hmac-timeout": "Connection Failure: Timeout During HMAC Request",  # N-23
    "notice.psk-invalid": "Connection Failure: Invalid PSK Received",  # N-26
    "notice.subscribing": "Connection Success: Subscribing To Relevant Topics",  # N-27
    "notice.backup-invalid": "Connection Failure: Invalid Backup HMAC Received",  # N-34
    "notice.new-psk-timeout": "Connection Failure: No New PSK HMAC Received",  # N-38
    "notice.new-psk": (
        "Establishing Connection: New PSK Successfully Established - Resetting Connection"  # N-41
    ),
    "notice.requesting-orders": (
        "Requesting Active Objects - This May Take Up To 2 Minutes - Only Create New Objects During This Time"  # N-44
    ),
    "notice.no-orders": "No Objects Received From Broker Services",  # N-48
    "notice.ledger-alarm": "The List Of Members Was Refused ({code}): Tell IT Before You Trust New Members",
    "notice.ledger-fork": (
        "ALARM: The Hub Signed Two Lists Of Members (Entry {seq}) - "
        "Members Are Frozen, Tell IT To Run: nmr ledger resolve"
    ),
    "ledger.fork": (
        "ALARM: the hub signed two lists of members (entry {seq}); members are frozen until IT ran: nmr ledger resolve"
    ),
    "notice.ledger-stale": "Members May Be Out Of Date: The Hub Signed No List For A Day - Nobody New Is Added",
    "ledger.stale": "Members may be out of date since {time}; nobody new is added until the hub signs their list again",
    "notice.ledger-ahead": (
        "{station} Knows A List Of Members That Nobody Can Show (Entry {seq}): It Is Not Believed - Tell IT"
    ),
    "answer.accepted": "On my way",
    "answer.declined": "Can't",
    "answer.later": "Later",
    "page.late": "NOT DELIVERED YET",
    "orders.over": "> 24 Hours",
}


def placeholders(text: str) -> set[str]:
    """The names in braces."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize(("english", "german"), [(en, de), (window_en, window_de)])
def test_both_languages_have_the_same_keys(english: ModuleType, german: ModuleType) -> None:
    assert list(english.TEXTS) == list(german.TEXTS)


def test_no_text_stands_in_two_tables() -> None:
    assert not set(en.TEXTS) & set(window_en.TEXTS)


def test_the_window_knows_the_agents_words_and_its_own() -> None:
    texts = window_texts("de")
    assert (texts.language, texts("answer.later"), texts("form.save")) == ("de", "Später", "Speichern")
    assert not Texts.of("de").has("form.save"), "an agent loads none of the window's"


@pytest.mark.parametrize("key", sorted(ENGLISH))
def test_both_languages_fill_the_same_placeholders(key: str) -> None:
    assert placeholders(ENGLISH[key]) == placeholders(GERMAN.get(key, ""))
    assert all(name.isidentifier() for name in placeholders(ENGLISH[key])), "only plain names, no attributes"


@pytest.mark.parametrize("key", sorted(ENGLISH))
def test_no_text_is_empty_or_has_stray_spaces(key: str) -> None:
    for table in (ENGLISH, GERMAN):
        assert table[key]
        assert table[key] == table[key].strip()


@pytest.mark.parametrize(("key", "text"), sorted(WORD_FOR_WORD.items()))
def test_ordered_notices_stand_word_for_word(key: str, text: str) -> None:
    assert ENGLISH[key] == text


def test_a_text_is_filled_with_its_values() -> None:
    assert Texts.of("en")("notice.page", sender="Anna", object="Table 4") == "Anna Is Paging For Table 4"
    assert Texts.of("de")("answer.accepted") == "Ich komme"


def test_what_people_type_is_never_read_as_a_placeholder() -> None:
    assert Texts.of("en")("notice.page-you", sender="{sender.__class__}") == "{sender.__class__} Is Paging You"


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(KeyError):
        Texts.of("en")("no.such.key")


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        Texts.of("en")("notice.page", sender="Anna")


def test_an_unknown_language_is_an_error() -> None:
    with pytest.raises(KeyError):
        Texts.of("fr")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("n", "text"), [(0, "nobody reachable"), (1, "1 reachable now"), (2, "2 reachable now"), (11, "11 reachable now")]
)
def test_numbers_choose_their_form(n: int, text: str) -> None:
    assert window_texts("en").number("ask.reachable", n) == text


def test_none_is_many_where_there_is_no_word_for_none() -> None:
    assert window_texts("en").number("orders.count", 0) == "0 open"


def test_texts_are_frozen() -> None:
    with pytest.raises(AttributeError):
        Texts.of("en").language = "de"  # type: ignore[misc]
