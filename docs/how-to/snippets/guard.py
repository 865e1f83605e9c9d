from countersign_client import Gate, Rejected

gate = Gate()  # COUNTERSIGN_URL and COUNTERSIGN_AGENT_KEY


@gate.guard("files.delete", rationale="left over from the last release")
def delete(path: str) -> dict[str, int]:
    print(f"deleting {path}")
    return {"deleted": 1}


try:
    print(delete("/srv/old.log"))
except Rejected as no:
    print(f"{no.by} said no: {no.reason}")
