"""The ``Link`` header is read as RFC 8288 writes it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.links import links_in

TARGETS = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="<>"), min_size=1)
RELATIONS = st.text("abcXYZ-.", min_size=1)
TITLES = st.text(st.characters(min_codepoint=32, max_codepoint=126, exclude_characters='"\\'))
LINKS = st.tuples(TARGETS, st.lists(RELATIONS, min_size=1, max_size=3), TITLES)


@given(st.lists(LINKS, max_size=4), st.sampled_from(["rel", "Rel", "REL"]), st.sampled_from(["", " "]))
def test_every_link_is_found_by_each_of_its_relations(
    links: list[tuple[str, list[str], str]], name: str, gap: str
) -> None:
    written = [f'<{at}>{gap};{gap}title="{title}"; {name}="{" ".join(rel)}"' for at, rel, title in links]
    expected: dict[str, str] = {}
    for at, relations, _ in links:
        for relation in relations:
            expected.setdefault(relation.lower(), at)
    assert links_in(f"{gap},".join(written)) == expected


@given(st.text())
def test_nothing_that_a_server_writes_breaks_it(header: str) -> None:
    links_in(header)


@pytest.mark.parametrize(
    "header",
    [
        "<https://a.example.com/users?after=x;y,z>; rel=next",
        '<https://a.example.com/users?after=x;y,z>; rel="last NEXT"',
        '<https://a.example.com/users?after=x;y,z>;title="a, <b>; rel=self" ; REL="next"; rel="self"',
        '</>; rel="self", <https://a.example.com/users?after=x;y,z>;; crossorigin; rel=next',
    ],
)
def test_the_next_page_is_found(header: str) -> None:
    assert links_in(header)["next"] == "https://a.example.com/users?after=x;y,z"
