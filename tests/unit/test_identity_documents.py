"""Documents and names: one spelling each, mistakes found, strangers' formats accepted."""

from __future__ import annotations

import unicodedata
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voucher_service.identity import documents, second_factor
from voucher_service.identity.documents import Document, check_character, identity
from voucher_service.identity.model import (
    Honorific,
    IdNumberInvalid,
    MobileInvalid,
    NameInvalid,
    UsernameInvalid,
)

numbers = st.builds(
    lambda area, born, order: (body := f"{area}{born:%Y%m%d}{order:03d}") + check_character(body),
    st.integers(110000, 839999),
    st.dates(date(1900, 1, 1), date(2025, 12, 31)),
    st.integers(0, 999),
)


@given(numbers)
def test_every_well_formed_number_is_accepted_whatever_its_division(number: str) -> None:
    assert identity(Document.RESIDENT_ID, number).number == number


@given(numbers, st.integers(0, 17), st.integers(1, 9))
def test_one_mistyped_digit_is_always_found(number: str, place: int, shift: int) -> None:
    digit = 10 if number[place] == "X" else int(number[place])
    wrong = "0123456789X"[(digit + shift) % (11 if place == 17 else 10)]
    mistyped = number[:place] + wrong + number[place + 1 :]
    with pytest.raises(IdNumberInvalid):
        identity(Document.RESIDENT_ID, mistyped)


@given(numbers, st.data())
def test_width_case_and_spaces_make_no_second_identity(number: str, data: st.DataObject) -> None:
    spelled = "".join(
        data.draw(st.sampled_from([char, char.lower(), chr(ord(char) + 0xFEE0)]))
        + data.draw(st.sampled_from(["", "", " ", "\u3000", "\u200b", "-", "\t"]))
        for char in number
    )
    assert identity(Document.RESIDENT_ID, spelled).key == identity(Document.RESIDENT_ID, number).key


@given(st.text())
def test_any_other_text_is_refused_and_never_breaks(text: str) -> None:
    for document in Document:
        try:
            found = identity(document, text)
        except IdNumberInvalid:
            continue
        assert identity(document, found.number).number == found.number


@pytest.mark.parametrize(
    "number", ["11010519491231002X", "441702199001010011", "44190019900101001X"]
)
def test_known_numbers_pass_their_check_character(number: str) -> None:
    assert identity(Document.RESIDENT_ID, number.lower()).number == number


def test_a_number_tells_birth_honorific_and_division() -> None:
    found = identity(Document.RESIDENT_ID, "11010519491231002X")
    assert (found.born, found.honorific, found.division) == (
        date(1949, 12, 31),
        Honorific.MS,
        "110105",
    )


@pytest.mark.parametrize("head", ["810000", "820000", "830000"])
def test_residence_permits_are_resident_ids_without_a_division_of_ours(head: str) -> None:
    body = f"{head}19900101001"
    assert identity(Document.RESIDENT_ID, body + check_character(body)).division is None


@pytest.mark.parametrize(
    "body", ["44170219900230001", "44170219901301001", "44170218991231001", "94170219900101001"]
)
def test_impossible_dates_and_divisions_are_refused(body: str) -> None:
    with pytest.raises(IdNumberInvalid):
        identity(Document.RESIDENT_ID, body + check_character(body))


@pytest.mark.parametrize(
    ("document", "number", "same"),
    [
        (Document.HK_MACAO_PERMIT, "h1234567801", "H12345678"),
        (Document.HK_MACAO_PERMIT, "M12345678", "M12345678"),
        (Document.TAIWAN_PERMIT, "１２３４５６７８", "12345678"),
        (Document.FOREIGN_PERMANENT, "fra110077042301", "FRA110077042301"),
        (Document.PASSPORT, " e1234 5678 ", "E12345678"),
    ],
)
def test_other_documents_have_one_spelling_too(document: Document, number: str, same: str) -> None:
    assert identity(document, number).number == same


def test_a_foreign_permanent_number_of_eighteen_is_checked_as_a_resident_id_is() -> None:
    body = "91184019900101001"
    good = body + check_character(body)
    assert identity(Document.FOREIGN_PERMANENT, good).number == good
    with pytest.raises(IdNumberInvalid):
        identity(Document.FOREIGN_PERMANENT, body + ("1" if good[-1] != "1" else "2"))


def test_the_same_digits_on_two_documents_are_two_identities() -> None:
    assert (
        identity(Document.PASSPORT, "12345678").key
        != identity(Document.TAIWAN_PERMIT, "12345678").key
    )


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("林晓", "林晓"),
        (" 林\u3000晓 ", "林晓"),
        ("阿卜杜拉 • 买买提", "阿卜杜拉·买买提"),
        ("Ｍary  O’Neil-Smith", "Mary O'Neil-Smith"),
        ("José Muñoz", "José Muñoz"),
        ("𠮷田", "𠮷田"),
    ],
)
def test_names_get_one_spelling(text: str, spelled: str) -> None:
    assert documents.name(text) == spelled


@pytest.mark.parametrize(
    "text",
    [
        *["", "林", "林😀", "林\n晓", "林\x00晓", "林\u202e晓", "林1", "<b>林", "-林晓", "·林晓"],
        *["林" * 61, "\ud800林", "  ", "林\u200b晓", "林\tx", "Анна"],
    ],
)
def test_what_no_name_holds_is_refused(text: str) -> None:
    with pytest.raises(NameInvalid):
        documents.name(text)


@given(st.text(max_size=70))
def test_an_accepted_name_is_its_own_spelling(text: str) -> None:
    try:
        spelled = documents.name(text)
    except NameInvalid:
        return
    assert documents.name(spelled) == spelled
    assert not {unicodedata.category(char) for char in spelled} & {"Cc", "Cf", "Cs", "So"}


def test_lists_show_the_surname_alone() -> None:
    assert [documents.masked(name) for name in ("林晓", "欧阳修", "欧阳", "Mary")] == [
        *("林*", "欧阳*", "欧*", "M*"),
    ]


@pytest.mark.parametrize("text", ["13800138000", "+86 138-0013-8000", "１３８００１３８０００"])
def test_a_mobile_is_known_in_every_spelling(text: str) -> None:
    assert documents.mobile(text) == "13800138000"


@pytest.mark.parametrize("text", ["12800138000", "1380013800", "138001380000", "", "+1 3800138000"])
def test_what_is_no_mainland_mobile_is_refused(text: str) -> None:
    with pytest.raises(MobileInvalid):
        documents.mobile(text)


@pytest.mark.parametrize("text", ["ab", "a b c", "林晓晓", "-abc", "a" * 33, "a\x00bc"])
def test_what_is_no_username_is_refused(text: str) -> None:
    with pytest.raises(UsernameInvalid):
        documents.username(text)


def test_a_one_time_password_follows_the_standard_and_works_once() -> None:
    secret = b"12345678901234567890"
    now = datetime(2005, 3, 18, 1, 58, 29, tzinfo=UTC)
    assert second_factor.code_at(secret, second_factor.step_at(now)) == "081804"
    step = second_factor.accepted_step(secret, "081804", now=now, used=0)
    assert step == second_factor.step_at(now)
    assert second_factor.accepted_step(secret, "081804", now=now, used=step) is None
    late = now + timedelta(seconds=90)
    assert second_factor.accepted_step(secret, "081804", now=late, used=0) is None
