"""Lineage in OpenTrustGraph metadata (v0.1): effects stay within what the parent was granted, actors within their
chain. Only earlier records of the same chain count as parents."""

from collections.abc import Mapping

from governance.canonical import Json


def lineage_faults(record: Mapping[str, Json], earlier: Mapping[str, Mapping[str, Json]]) -> list[str]:
    """Return what is wrong with the lineage of one record; `earlier` holds the records before it by id."""
    metadata = _object(record.get("metadata"))
    used, actors, parent_id = (
        metadata.get("effects_used"),
        metadata.get("actor_chain"),
        metadata.get("parent_record_id"),
    )
    if used is not None and not isinstance(used, list):
        return ["effects_used invalid: it is no list"]
    if actors is not None and not _is_actor_chain(actors):
        return ["actor_chain invalid: every hop needs its `sub`"]
    if parent_id is None or (used is None and actors is None):
        return []
    parent = earlier.get(parent_id) if isinstance(parent_id, str) else None
    if parent is None:
        return [f"parent record {str(parent_id)[:80]!r} not found in chain before it"]
    inherited = _object(parent.get("metadata"))
    return [*_escaped_effects(used or [], inherited), *(_escaped_actors(actors, inherited) if actors else [])]


def _escaped_effects(used: list[Json], inherited: Mapping[str, Json]) -> list[str]:
    granted = inherited.get("effects_grant")
    allowed = granted if isinstance(granted, list) else []
    return [f"effects_used escaped grant: item {n}" for n, one in enumerate(used, 1) if one not in allowed]


def _escaped_actors(actors: Mapping[str, Json], inherited: Mapping[str, Json]) -> list[str]:
    """A child's chain without its newest hop is its parent's chain, for the same subject."""
    before = _object(inherited.get("actor_chain"))
    if not _is_actor_chain(before):
        return ["parent record is missing actor_chain"]
    newest = _object(actors.get("act"))
    same_chain = newest.get("act") == before.get("act") and "act" in actors
    if actors.get("sub") == before.get("sub") and same_chain:
        return []
    return ["actor_chain escaped parentage"]


def _is_actor_chain(value: Json) -> bool:
    while isinstance(value, dict):
        if not isinstance(value.get("sub"), str) or not value["sub"]:
            return False
        if "act" not in value:
            return True
        value = value["act"]
    return False


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}
