"""The documents say what the code does: settings, commands, words, states and figures cannot drift apart."""

import re
from pathlib import Path

import click
import pytest

from bot.cli import cli
from governance import errors
from governance.lifecycle import ProposalState
from governance.tiers import TIER_ALIASES, Tier
from storage import tables

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def commands(group: click.Group, before: str = "") -> list[str]:
    """Every command of the command line, as it is typed."""
    found: list[str] = []
    for name, command in group.commands.items():
        typed = f"{before}{name}"
        found += commands(command, f"{typed} ") if isinstance(command, click.Group) else [typed]
    return found


def test_every_setting_the_code_reads_is_in_the_readme() -> None:
    code = (ROOT / "bot" / "settings.py").read_text()
    settings = set(re.findall(r'"((?:COUNTERSIGN|SLACK)_[A-Z_]+)"', code))
    assert settings
    assert {name for name in settings if f"`{name}`" not in README} == set()


def test_the_readme_names_no_command_that_is_not_there() -> None:
    known = commands(cli)
    named = set(
        re.findall(
            r"countersign ((?:serve|demo|migrate|manifest|keys|policy|audit|doctor|who-can-approve|prove)(?: [a-z]+)?)",
            README,
        )
    )
    assert named
    assert {one for one in named if one not in known and one.split()[0] not in known} == set()


@pytest.mark.parametrize("command", commands(cli))
def test_every_command_explains_itself(command: str) -> None:
    found: click.Command = cli
    for word in command.split():
        assert isinstance(found, click.Group)
        found = found.commands[word]
    assert found.help
    assert all(option.help for option in found.params if isinstance(option, click.Option))


def test_the_readme_explains_every_tier_and_every_state() -> None:
    assert {tier for tier in Tier if f"`{tier}`" not in README} == set()
    assert {alias for alias in TIER_ALIASES if alias not in README} == set()
    assert {state for state in ProposalState if f"`{state}`" not in README} == set()


def test_the_glossary_has_the_words_of_the_tables() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text().lower()
    words = {
        "Proposal",
        "ApprovalRequest",
        "Review",
        "Execution",
        "Surface",
        "Rendering",
        "OutboxMessage",
        "AuditEntry",
    }
    assert words <= set(tables.__all__)
    spoken = {re.sub(r"(?<!^)(?=[A-Z])", " ", word).lower() for word in words}
    assert {word for word in spoken if word not in glossary} == set()


def test_every_word_of_every_command_is_explained() -> None:
    from bot.listeners.words.families import FAMILIES

    page = (ROOT / "docs" / "commands.md").read_text()
    for family in FAMILIES:
        section = page.partition(f"## {family.command}\n")[2].partition("\n## ")[0]
        explained = "".join(line.split("|")[1] for line in section.splitlines() if line.startswith("|"))
        assert {word for word in family.words if f"`{word}`" not in explained} == set(), family.command


def test_the_tree_of_refusals_names_every_refusal() -> None:
    refusals = {
        name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.Refusal)
    }
    assert {name for name in refusals if name not in (errors.__doc__ or "")} == set()


@pytest.mark.parametrize(
    "document", ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{p.name}" for p in (ROOT / "docs").glob("*.md"))]
)
def test_links_inside_the_project_lead_somewhere(document: str) -> None:
    page = ROOT / document
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert {link for link in links if not (page.parent / link).exists()} == set()


def test_every_picture_is_there_is_shown_and_says_in_words_what_it_shows() -> None:
    shown = {}
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for words, picture in re.findall(r"!\[(.*?)\]\(([^)]+)\)", page.read_text()):
            shown[(page.parent / picture).resolve()] = words
    assert set(shown) == set((ROOT / "docs" / "images").iterdir())
    assert {picture.name for picture, words in shown.items() if len(words.split()) < 3} == set()


def test_the_tour_shows_every_picture_its_scenes_take() -> None:
    scenes = "".join(path.read_text() for path in (ROOT / "tests" / "browser").glob("test_tour*.py"))
    taken = set(re.findall(r'tour\.keep\(\s*"([a-z0-9-]+)"', scenes))
    tour = (ROOT / "docs" / "tour.md").read_text()
    assert taken == set(re.findall(r"\(images/([a-z0-9-]+)\.png\)", tour))


def test_every_policy_in_the_docs_loads(tmp_path: Path) -> None:
    from bot.policy import load_policy

    samples = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "policy.md").read_text(), re.DOTALL)
    assert len(samples) == 5
    for sample in samples:
        path = tmp_path / "countersign.toml"
        path.write_text(sample)
        assert load_policy(path, {}).tools


def test_the_policy_shown_to_newcomers_loads(tmp_path: Path) -> None:
    from bot.policy import load_policy

    sample = (ROOT / "bot" / "demo" / "countersign.toml").read_text().replace("{{RELEASES}}", "http://127.0.0.1:9")
    path = tmp_path / "countersign.toml"
    path.write_text(sample)
    assert load_policy(path, {"RELEASES_SECRET": "whsec_QUJD"}).agents
    assert load_policy(ROOT / "countersign.toml", {}).agents
