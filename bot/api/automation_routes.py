"""The addresses of automations, runs and grants."""

from aiohttp import web

from bot.api.automations import Automations
from bot.api.grants import Grants
from bot.api.principals import Callers
from bot.api.runs import Runs
from bot.office import Office


def automation_routes(base: str, office: Office, callers: Callers) -> list[web.RouteDef]:
    """Return what stands under `base` about automations, always the same addresses in the same order."""
    automations, runs, grants = Automations(office, callers), Runs(office, callers), Grants(office, callers)
    return [
        web.get(f"{base}/automations", automations.index, allow_head=False),
        web.post(f"{base}/automations", automations.create),
        web.get(f"{base}/automations/{{id}}", automations.read, allow_head=False),
        web.patch(f"{base}/automations/{{id}}", automations.change),
        web.delete(f"{base}/automations/{{id}}", automations.delete),
        web.get(f"{base}/automations/{{id}}/governance", automations.governance, allow_head=False),
        web.post(f"{base}/automations/{{id}}/pause", automations.pause),
        web.post(f"{base}/automations/{{id}}/resume", automations.resume),
        web.post(f"{base}/automations/{{id}}/restore", automations.restore),
        web.post(f"{base}/automations/{{id}}/retire", automations.retire),
        web.post(f"{base}/automations/{{id}}/extend", automations.extend),
        web.get(f"{base}/automations/{{id}}/grants", grants.of_automation, allow_head=False),
        web.post(f"{base}/automations/{{id}}/grants", grants.create),
        web.delete(f"{base}/automations/{{id}}/grants/{{gid}}", grants.revoke),
        web.get(f"{base}/automations/{{id}}/runs", runs.index, allow_head=False),
        web.post(f"{base}/automations/{{id}}/runs", runs.start),
        web.get(f"{base}/runs/{{id}}", runs.read, allow_head=False),
        web.patch(f"{base}/runs/{{id}}", runs.change),
        web.get(f"{base}/grants", grants.index, allow_head=False),
        web.delete(f"{base}/grants/{{gid}}", grants.revoke),
    ]
