"""What holds across the whole tree: who may import whom, what Slack is told about the app, how long things get."""

import ast
import json
import statistics
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from jsonschema.validators import validator_for

from bot.ids import Action, Command
from bot.manifest import http_variant, listening_variant

ROOT = Path(__file__).parent.parent
PACKAGES = ("bot", "scheduler", "operations", "storage", "governance")
SHIPPED = {*PACKAGES, "templates"}
MANIFEST = yaml.safe_load((ROOT / "manifest.yml").read_text())
SOURCES = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py") if "migrations" not in path.parts)
CLIENT = sorted((ROOT / "client").rglob("*.py"))
OURS_IN_SLACK = [path for path in SOURCES if path.is_relative_to(ROOT / "bot") and "workspace" not in path.parts]

#: The scopes a Web API method needs for what we do with it: channels, private channels and direct messages.
SCOPES = {
    "apps_connections_open": (),
    "auth_revoke": (),
    "auth_test": (),
    "chat_delete": ("chat:write",),
    "chat_postEphemeral": ("chat:write",),
    "chat_postMessage": ("chat:write",),
    "chat_update": ("chat:write",),
    "conversations_history": ("channels:history", "groups:history", "im:history"),
    "conversations_info": ("channels:read", "groups:read"),
    "conversations_open": ("im:write",),
    "conversations_replies": ("channels:history", "groups:history", "im:history"),
    "usergroups_list": ("usergroups:read",),
    "files_upload_v2": ("files:write",),
    "usergroups_users_list": ("usergroups:read",),
    "users_info": ("users:read",),
    "views_open": (),
    "views_publish": (),
    "views_update": (),
}


def calls(paths):
    """Every call in some files."""
    for path in paths:
        yield from (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))


def called_on(owners, paths):
    """Every `owner.method(…)` in some files, by method; `x.owner.method(…)` counts as well."""
    for call in calls(paths):
        function = call.func
        if isinstance(function, ast.Attribute):
            owner = function.value
            name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", None)
            if name in owners:
                yield function.attr, call


def test_imports_point_down():
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_other_distribution_owns_our_package_names():
    owners = packages_distributions()
    assert {name: set(owners.get(name, ())) - {"countersign"} for name in SHIPPED} == {name: set() for name in SHIPPED}


def test_the_application_is_not_for_publication():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "Private :: Do Not Upload" in project["project"]["classifiers"]
    assert set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]) == SHIPPED


def test_the_manifest_lists_exactly_our_slash_commands():
    listed = [one["command"] for one in MANIFEST["features"]["slash_commands"]]
    assert sorted(listed) == sorted(command.value for command in Command)


def test_the_manifest_subscribes_to_exactly_the_events_we_listen_to():
    listened = {ast.literal_eval(call.args[0]) for name, call in called_on(["app"], OURS_IN_SLACK) if name == "event"}
    shipped = set(MANIFEST["settings"]["event_subscriptions"]["bot_events"])
    assert shipped == listened - {"message", "reaction_added"}, "what people say is heard only where it is asked for"
    everything = yaml.safe_load(listening_variant((ROOT / "manifest.yml").read_text(), replies=True, reactions=True))
    heard = {one.partition(".")[0] for one in everything["settings"]["event_subscriptions"]["bot_events"]}
    assert heard == listened


def test_every_button_has_its_listener():
    listened = {call.args[0].value.attr for name, call in called_on(["app"], OURS_IN_SLACK) if name == "action"}
    assert listened == {action.name for action in Action}


def test_the_manifest_asks_for_exactly_the_scopes_our_calls_need():
    clients = ("client", "_client", "web_client")
    used = {name for name, _ in called_on(clients, OURS_IN_SLACK) if "_" in name}
    assert used == set(SCOPES), "SCOPES lists the methods the code calls; mend it together with manifest.yml"
    needed = {scope for name in used for scope in SCOPES[name]} | {"commands"}
    assert sorted(MANIFEST["oauth_config"]["scopes"]["bot"]) == sorted(needed)


@pytest.mark.parametrize("variant", ["socket mode", "http", "listening"])
def test_slack_would_accept_the_manifest(variant):
    found = next(ROOT.parent.glob("*/data/slack-manifest.schema.2.0.0.json"), None)
    if found is None:
        pytest.skip("Slack's JSON Schema of app manifests is not beside this checkout")
    schema = json.loads(found.read_text())
    text = (ROOT / "manifest.yml").read_text()
    text = listening_variant(text, replies=True, reactions=True) if variant == "listening" else text
    manifest = yaml.safe_load(text if variant == "socket mode" else http_variant(text, "https://approvals.example"))
    assert [error.message for error in validator_for(schema)(schema).iter_errors(manifest)] == []


def test_functions_are_short():
    lengths = sorted(
        node.end_lineno - node.lineno + 1
        for path in [*SOURCES, *CLIENT]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    assert statistics.median(lengths) <= 10
    assert lengths[len(lengths) * 9 // 10] <= 35


def test_files_are_short():
    lines = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in [*SOURCES, *CLIENT]}
    assert {path: count for path, count in lines.items() if count > 300} == {}


@pytest.mark.parametrize("path", CLIENT, ids=lambda path: path.stem)
def test_the_client_imports_nothing_of_the_server_and_nothing_heavy(path):
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]
    froms = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names} | froms
    others = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - {"countersign_client"}
    assert others & SHIPPED == set()
    if "adapters" not in path.parts and "examples" not in path.parts:
        assert others <= {"httpx"}


def test_importing_the_client_loads_httpx_alone():
    code = "import sys, countersign_client.cli; print(*sorted({n.partition('.')[0] for n in sys.modules}))"
    environment = {"PYTHONPATH": str(ROOT / "client" / "src")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert not {*SHIPPED, "aiohttp", "pydantic", "langchain_core", "agents", "mcp"} & set(done.stdout.split())


#: What a test may do to its surroundings through pytest; replacing our own code is none of it.
SURROUNDINGS = {"setenv", "delenv", "chdir", "syspath_prepend"}


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=lambda path: path.stem)
def test_no_test_replaces_our_own_code(path):
    """closes governed-proposals 24"""
    tree = ast.parse(path.read_text())
    froms = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = [
        alias.name for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names
    ]
    assert not [name for name in (*froms, *names) if name.split(".")[-1] in ("mock", "pytest_mock")]
    assert {name for name, _ in called_on(["monkeypatch"], [path])} <= SURROUNDINGS
