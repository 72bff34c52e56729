"""The documentation is true: what can drift from the code is made from it, or held against it here."""

from __future__ import annotations

import inspect
import re
import tomllib
from dataclasses import fields
from typing import TYPE_CHECKING, get_args

import pytest
from ruamel.yaml import YAML
from typer.core import TyperOption

from connectors import errors
from connectors.cognito.error_codes import CALLS
from connectors.cognito.role import ACTIONS
from connectors.errors import PoolferryError
from connectors.records import VERDICTS
from connectors.registry import source_kind, source_kinds
from flows.demo.people import people
from flows.reports.reconciliation import REPAIRS
from flows.reports.rollback_reasons import ROLLBACK_REASONS
from flows.settings import RunFile, StrategyName, load_run_file
from flows.steps.differences import KINDS, TOLD
from mappings.reasons import PROBLEMS, REASONS
from mappings.rules import RuleOptions
from mappings.spec import ORIGINS, MappingSpec, parse_mapping
from mappings.verbs import CONVERSIONS, VERBS
from tests import reference
from tests.reference import (
    PAGES,
    RIGHTS,
    ROOT,
    TABLES,
    command_line,
    leaf_commands,
    rewritten,
    sections,
)
from tests.reference_keys import run_file_keys
from tests.test_layout import tracked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

README, REFERENCE, FAULTS = (page.read_text(encoding="utf-8") for page in PAGES)
FACTS = (ROOT / "deployments" / "FACTS.md").read_text(encoding="utf-8")
BOTH = README + REFERENCE
COMMANDS = leaf_commands()
FILLED_BY_OTHERS = {"bench"}
"""Sections that stay as they are, also when they are empty."""

_FACT = re.compile(r"\bF\d+\.\d+\b")


def rows(text: str) -> list[list[str]]:
    """The cells of all table rows of a text; a ``|`` inside a cell is written with a backslash."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def first_cells(text: str) -> set[str]:
    return {row[0].strip("`") for row in rows(text)}


def section(name: str) -> str:
    (found,) = (sections(page)[name] for page in (README, REFERENCE, FAULTS) if name in sections(page))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_tables_are_what_the_code_says_now(page: Path) -> None:
    """Where this fails, `python -m tests.reference` writes them anew."""
    text = page.read_text(encoding="utf-8")
    assert rewritten(text) == text


@pytest.mark.parametrize("name", TABLES)
def test_every_table_stands_in_exactly_one_page(name: str) -> None:
    assert section(name)


def test_a_table_that_has_drifted_is_noticed_and_mended() -> None:
    drifted = REFERENCE.replace("Removes white space", "Removes all space")
    assert drifted != REFERENCE
    assert rewritten(drifted) == rewritten(REFERENCE)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_a_help_text_and_stands_in_the_readme(name: str) -> None:
    command = COMMANDS[name]
    assert f"`poolferry {name}" in README
    assert (command.help or "").strip()
    for param in command.params:
        assert getattr(param, "help", None), f"{name} {param.name}"
        if isinstance(param, TyperOption):
            assert f"`{param.opts[0]}`" in README


def test_the_readme_names_no_option_that_does_not_exist() -> None:
    (told,) = re.findall(r"all \[options\].*? are\s(.*?)\. `--json` prints", README, re.DOTALL)
    known = {p.opts[0] for c in COMMANDS.values() for p in c.params if isinstance(p, TyperOption)}
    known |= {param.opts[0] for param in reference.own_options()}
    assert set(re.findall(r"--[\w-]+", told)) == known


def test_the_reference_has_every_name_of_every_option() -> None:
    told = section("options")
    for param in (*reference.own_options(), *(p for c in COMMANDS.values() for p in c.params)):
        if isinstance(param, TyperOption):
            assert all(f"`{name}" in told for name in param.opts), param.opts


def test_everything_that_can_be_written_in_a_run_file_is_in_the_reference() -> None:
    assert {key for key, *_ in run_file_keys(RunFile)} < first_cells(section("run-file"))
    assert {f"rules.{each.name}" for each in fields(RuleOptions)} < first_cells(section("run-file"))
    assert {"preset", *MappingSpec.model_fields} < first_cells(section("mapping-keys"))
    assert set(ORIGINS) < first_cells(section("origins"))
    assert set(VERBS) < first_cells(section("verbs"))
    assert set(CONVERSIONS) < first_cells(section("conversions"))
    assert set(get_args(StrategyName)) < first_cells(section("strategies"))


@pytest.mark.parametrize("kind", source_kinds())
def test_every_kind_of_source_is_in_the_reference_with_its_settings(kind: str) -> None:
    told = {row[1].strip("`") for row in rows(section("sources")) if row[0] == f"`{kind}`"}
    assert told == source_kind(kind).settings.model_fields.keys() - {"kind"}


def test_every_reason_is_in_the_reference_with_what_to_do() -> None:
    told = {row[0].strip("`"): row for row in rows(section("reasons"))[2:]}
    assert told.keys() == {one.code for one in (*REASONS.values(), *PROBLEMS.values())}
    assert all(row[1] and row[2] for row in told.values())


def test_every_verdict_and_strategy_is_explained_in_the_readme() -> None:
    told = rows(README.partition("| verdict | meaning |")[2].partition("\n\n")[0])
    assert [row[0].strip("`") for row in told[1:]] == list(VERDICTS)
    ways = README.partition("## What a user experiences")[2].partition("\n## ")[0]
    assert {name for name in get_args(StrategyName) if f"| `{name}`" in ways} == set(get_args(StrategyName))


def test_every_exit_status_is_in_the_readme() -> None:
    told = first_cells(README.partition("| exit status | meaning |")[2].partition("\n\n")[0]) - {"---"}
    raised = {str(kind.exit_status) for kind in _classes(PoolferryError)}
    assert told == raised | {"0", "1", "130"}


def test_the_rights_are_those_of_the_calls_that_are_made() -> None:
    assert sorted(name for names in RIGHTS.values() for name in names) == sorted(CALLS)
    for right in ACTIONS:
        assert f"`{right}`" in README


def test_open_facts_name_switches_that_exist_with_their_facts_and_defaults() -> None:
    table = README.partition("## Open facts")[2].partition("\n## ")[0]
    told = {row[2].strip("`"): row for row in rows(table)[2:] if row[2]}
    defaults = {key: default for key, _, default, _ in run_file_keys(RunFile)}
    facts = {f"rules.{each.name}": each.metadata["fact"] for each in fields(RuleOptions)}
    assert {key for key in told if key.startswith("rules.")} == facts.keys()
    for key, row in told.items():
        assert row[3] == defaults[key]
        assert row[0] == facts.get(key, row[0])


def test_the_run_file_in_the_readme_works_as_it_stands(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    path = tmp_path / "run.yaml"
    path.write_text(text, encoding="utf-8")
    settings = load_run_file(path).settings
    assert parse_mapping(settings.mapping, where="README.md").password_hash is not None
    example = (ROOT / "deployments" / "runs" / "acme.yaml").read_text(encoding="utf-8")
    assert _plain(text) == _plain(example)


def test_every_reason_of_a_rollback_is_told() -> None:
    page = (ROOT / "deployments" / "AFTER_A_RUN.md").read_text(encoding="utf-8")
    told = {code for row in rows(page) for code in re.findall(r"`(\w+)`", row[0])}
    assert told == ROLLBACK_REASONS.keys()
    for one in ROLLBACK_REASONS.values():
        assert re.fullmatch(r"(F\d+\.\d+)?", one.fact)
        assert one.sentence.endswith(".")
        assert one.mend.endswith(".")


def test_every_difference_that_reconcile_finds_is_told() -> None:
    page = (ROOT / "deployments" / "RECONCILE.md").read_text(encoding="utf-8")
    told = rows(page.partition("| difference | who |")[2].partition("\n\n")[0])
    assert [row[0].strip("`") for row in told[1:]] == list(KINDS)
    assert REPAIRS.keys() == KINDS.keys() - set(TOLD)


def _plain(text: str) -> object:
    parsed: object = YAML(typ="safe").load(text)
    return parsed


@pytest.mark.parametrize("page", tracked("*.md"), ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?://", target):
            continue
        file, _, anchor = target.partition("#")
        found = (page.parent / file).resolve() if file else page
        assert found.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in _anchors(found), f"{page.name}: {target}"


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def test_a_link_into_nowhere_would_be_noticed() -> None:
    assert "open-facts" in _anchors(PAGES[0])
    assert "closed-facts" not in _anchors(PAGES[0])


def test_every_fact_that_is_named_anywhere_is_explained() -> None:
    explained = set(re.findall(r"^(?:- |\| )?(F\d+\.\d+)\b", FACTS, re.MULTILINE))
    paths = tracked("*.py", "*.md", "*.yaml")
    named = {fact: path.name for path in paths for fact in _FACT.findall(path.read_text(encoding="utf-8"))}
    unknown = {fact: name for fact, name in named.items() if fact not in explained}
    assert named
    assert unknown == {}


def test_the_drawn_tree_of_errors_is_the_tree_of_classes() -> None:
    drawn = list(_drawn(inspect.getdoc(errors) or ""))
    assert {(name, parent) for name, parent, _ in drawn} == {
        (kind.__name__, kind.__bases__[0].__name__) for kind in _classes(PoolferryError)
    }
    for name, _, status in drawn:
        kind: type[PoolferryError] = getattr(errors, name)
        assert status in ("", str(kind.exit_status)), name


def _classes(kind: type[PoolferryError]) -> set[type[PoolferryError]]:
    below = {
        leaf for sub in kind.__subclasses__() if sub.__module__ == errors.__name__ for leaf in _classes(sub)
    }
    return {kind} | below


def _drawn(text: str) -> Iterator[tuple[str, str, str]]:
    """Name, parent and exit status of every class in the drawing, by how far a name is set in."""
    above: list[tuple[int, str]] = []
    for line in text.splitlines():
        found = re.match(r"(?P<before>[ │├└─]*)(?P<name>\w+Error)\b(?:.*exit (?P<status>\d+))?", line)
        if not found or not line.startswith("    "):
            continue
        depth = len(found["before"])
        above = [each for each in above if each[0] < depth]
        yield found["name"], above[-1][1] if above else "Exception", found["status"] or ""
        above.append((depth, found["name"]))


def test_the_changelog_begins_with_the_version_that_is_built() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest, *_ = re.findall(r"^## (\d+\.\d+\.\d+)\b", changelog, re.MULTILINE)
    assert newest == project["version"]


def test_one_sentence_says_what_it_is() -> None:
    """The same one in README, in the package's description and in `--help`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    _, first, _ = README.split("\n\n", 2)
    beginning = "arries a whole user base into an Amazon Cognito user pool and proves that every"
    assert first.startswith(f"Poolferry c{beginning}")
    assert project["description"].startswith(f"C{beginning}")
    assert (command_line().help or "").startswith("Carry a whole user base into an Amazon Cognito user pool")


@pytest.mark.parametrize("page", tracked("*.md", "*.yaml"), ids=lambda page: page.name)
def test_nothing_is_left_to_be_written(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert not re.search(
        r"\b(TODO|TBD|FIXME|XXX|lorem ipsum|coming soon|to be written)\b", text, re.IGNORECASE
    )
    for name, body in sections(text).items():
        assert body.strip() or name in FILLED_BY_OTHERS, name


def test_the_demo_in_the_readme_is_the_demo_that_is_shipped() -> None:
    """Its numbers add up; `test_cli_real.py` holds the whole output against a real one."""
    output = section(reference.DEMO)
    counts = dict(re.findall(r"^│ (\w+) +│ +([\d,]+) │", output, re.MULTILINE))
    numbers = {name: int(count.replace(",", "")) for name, count in counts.items()}
    extracted = numbers.pop("extracted")
    assert list(numbers) == list(VERDICTS)
    assert sum(numbers.values()) == extracted == len(people())
    assert f"{extracted:,} invented users" in README
