curl -sS -X POST "$COUNTERSIGN_URL/api/v1/proposals" \
  -H "Authorization: Bearer $COUNTERSIGN_AGENT_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "tool": "files.delete",
    "arguments": {"path": "/srv/old.log"},
    "rationale": "left over from the last release",
    "idempotency_key": "clean-up-41"
  }'
