from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import Counter

import email_validator
import phonenumbers
import pytest

from connectors.cognito.trigger.handler import hashes
from flows.demo.dirt import DIRT, IN_POOL, KINDS, password
from flows.demo.people import COLUMNS, FILE, USERS, Person, people, text_of
from flows.demo.sign_ins import sample

BCRYPT = re.compile(r"\$2b\$04\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}")
PBKDF2 = re.compile(r"\$pbkdf2-sha256\$1000\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}")


@pytest.fixture(scope="module")
def everybody() -> list[Person]:
    return people()


def carrying(everybody: list[Person], kind: str) -> list[Person]:
    return [person for person in everybody if person.kind and person.kind.name == kind]


def test_the_shipped_file_is_what_the_generator_writes(everybody: list[Person]) -> None:
    assert FILE.read_bytes() == text_of(everybody)


def test_the_same_seed_gives_the_same_people_and_another_seed_others(everybody: list[Person]) -> None:
    assert people() == everybody
    assert people(seed=1) != everybody


def test_as_many_users_carry_each_kind_of_dirt_as_the_table_says(everybody: list[Person]) -> None:
    carried = Counter(person.kind.name for person in everybody if person.kind)
    assert carried == DIRT
    assert len(everybody) == USERS
    assert len(DIRT) == len(KINDS)


def test_a_csv_reader_finds_every_user_whose_line_is_whole(everybody: list[Person]) -> None:
    """Quotes, commas, backslashes and line breaks in values survive the way into the file and out of it."""
    text = FILE.read_bytes().decode(errors="replace")
    head, *rows = csv.reader(io.StringIO(text, newline=""))
    assert tuple(head) == COLUMNS
    assert len(rows) == USERS
    for row, person in zip(rows, everybody, strict=True):
        if not (person.kind and person.kind.line):
            assert dict(zip(head, row, strict=True)) == person.cells


def test_spoiled_lines_are_ragged_or_no_utf8() -> None:
    lines = FILE.read_bytes().split(b"\n")
    undecodable = 0
    for line in lines:
        try:
            line.decode()
        except UnicodeDecodeError:
            undecodable += 1
    assert undecodable == DIRT["line_undecodable"]
    widths = Counter(len(row) for row in csv.reader(io.StringIO(b"\n".join(lines).decode(errors="replace"))))
    assert widths[5] == DIRT["line_too_short"]
    assert widths[len(COLUMNS) + 2] == DIRT["line_too_long"]


def test_clean_users_have_usernames_of_their_own(everybody: list[Person]) -> None:
    """Whatever is a duplicate was planted as one, in the eyes of a pool that ignores letter case."""
    borrowed = {"id_twice", "id_differs_by_case"}
    own = [p.cells["id"].lower() for p in everybody if not (p.kind and p.kind.name in borrowed)]
    assert len(set(own)) == len(own)


@pytest.mark.parametrize("kind", ["id_twice", "id_differs_by_case"])
def test_a_duplicate_copies_an_earlier_user_without_dirt(everybody: list[Person], kind: str) -> None:
    place = {p.cells["id"].lower(): n for n, p in enumerate(everybody) if p.kind is None}
    spelled = {person.cells["id"] for person in everybody if person.kind is None}
    for number, person in enumerate(everybody):
        if person.kind and person.kind.name == kind:
            assert place[person.cells["id"].lower()] < number
            assert (person.cells["id"] in spelled) is (kind == "id_twice")


def test_an_address_stands_twice_only_where_it_was_planted(everybody: list[Person]) -> None:
    emails = Counter(person.cells["email"].strip().lower() for person in everybody if person.cells["email"])
    extra = sum(
        count - 1 for email, count in emails.items() if "@example." in email and " " not in email.strip()
    )
    twice = carrying(everybody, "email_twice")
    assert all(emails[person.cells["email"].lower()] > 1 for person in twice)
    assert extra >= len(twice)


def test_every_address_that_is_one_belongs_to_a_domain_kept_for_examples(everybody: list[Person]) -> None:
    invalid = {id(person) for person in carrying(everybody, "email_invalid")}
    for person in everybody:
        address = person.cells["email"].strip()
        if id(person) in invalid:
            with pytest.raises(email_validator.EmailNotValidError):
                email_validator.validate_email(address, check_deliverability=False)
        elif address:
            domain = email_validator.validate_email(address, check_deliverability=False).domain
            assert domain in {"example.com", "example.org", "example.net"}


def test_every_number_is_one_unless_planted_otherwise(everybody: list[Person]) -> None:
    invalid = {id(person) for person in carrying(everybody, "phone_invalid")}
    for person in everybody:
        if person.cells["phone"]:
            assert _is_number(person.cells["phone"]) is (id(person) not in invalid)


def _is_number(text: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(text, "DE"))
    except phonenumbers.NumberParseException:
        return False


def test_numbers_in_national_form_need_the_country(everybody: list[Person]) -> None:
    national = carrying(everybody, "phone_national")
    assert not any(person.cells["phone"].startswith("+") for person in national)


def test_names_are_written_in_many_scripts(everybody: list[Person]) -> None:
    text = "".join(person.cells["first_name"] + person.cells["last_name"] for person in everybody)
    scripts = {unicodedata.name(letter, "").split(" ")[0] for letter in set(text) if letter.isalpha()}
    assert scripts >= {
        "LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "GEORGIAN", "HEBREW", "ARABIC", "DEVANAGARI", "TAMIL",
        "BENGALI", "THAI", "ETHIOPIC", "HANGUL", "HIRAGANA", "KATAKANA", "CJK",
    }  # fmt: skip
    assert any(ord(letter) > 0xFFFF and letter.isalpha() for letter in text)
    assert "'" in text
    assert "’" in text  # noqa: RUF001 - the typographic apostrophe is what is looked for


def test_names_in_form_nfd_get_shorter_when_they_are_composed(everybody: list[Person]) -> None:
    for person in carrying(everybody, "name_decomposed"):
        given = person.cells["first_name"]
        assert len(unicodedata.normalize("NFC", given)) < len(given)


def test_only_planted_users_have_a_hash_and_each_kind_looks_as_its_scheme_says(
    everybody: list[Person],
) -> None:
    forms = {"hash_bcrypt": BCRYPT, "inactive_with_hash": BCRYPT, "unverified_with_hash": BCRYPT,
             "hash_pbkdf2": PBKDF2, "hash_pbkdf2_ambiguous": PBKDF2,
             "hash_foreign": re.compile(
                 r"\{SSHA\}.{40}|\{SSHA512\}.{96}|\$P\$B.{30}|\$1\$.{31}|\$6\$.{95}"
             )}  # fmt: skip
    for person in everybody:
        form = forms.get(person.kind.name) if person.kind else None
        if form is None:
            assert person.cells["pw"] == ""
        else:
            assert form.fullmatch(person.cells["pw"])


def test_hashes_of_unclear_alphabet_hold_a_plus_and_the_others_do_not(everybody: list[Person]) -> None:
    assert all("+" in person.cells["pw"] for person in carrying(everybody, "hash_pbkdf2_ambiguous"))
    assert not any("+" in person.cells["pw"] for person in carrying(everybody, "hash_pbkdf2"))


def test_no_two_users_have_the_same_password(everybody: list[Person]) -> None:
    hashed = carrying(everybody, "hash_pbkdf2") + carrying(everybody, "hash_pbkdf2_ambiguous")
    assert len({password(person.cells) for person in hashed}) == len(hashed)
    assert len({person.cells["pw"] for person in hashed}) == len(hashed)


def test_some_of_every_scheme_sign_in_at_the_end_of_the_demo(everybody: list[Person]) -> None:
    """Each of them with the password that was hashed; nobody who is locked out is among them."""
    of = {person.cells["id"]: person for person in everybody}
    tried = [(each, of[each.username]) for each in sample(everybody)]
    assert all(hashes.fits(each.password, person.cells["pw"], {}) for each, person in tried)
    assert {person.kind.name for _, person in tried if person.kind} == {
        "hash_bcrypt", "hash_pbkdf2", "hash_pbkdf2_ambiguous", "hash_foreign", "unverified_with_hash",
    }  # fmt: skip
    schemes = {found.scheme for _, person in tried if (found := hashes.recognised(person.cells["pw"]))}
    assert schemes == {"bcrypt", "pbkdf2", "ssha", "phpass", "md5_crypt", "sha512_crypt"}


def test_roles_are_given_to_the_planted_users_alone(everybody: list[Person]) -> None:
    assert sum(bool(person.cells["roles"]) for person in everybody) == DIRT["grouped"]


def test_users_who_are_in_the_pool_already_are_otherwise_clean(everybody: list[Person]) -> None:
    for person in carrying(everybody, IN_POOL):
        assert person.cells["id"]
        assert _is_number(person.cells["phone"] or "+493023125000")
        assert person.cells["pw"] == person.cells["roles"] == ""


def test_too_few_users_for_all_the_dirt_are_refused() -> None:
    with pytest.raises(ValueError, match="larger than population"):
        people(count=100)
