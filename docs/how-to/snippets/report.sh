curl -sS -X POST "$COUNTERSIGN_URL/api/v1/proposals/$PROPOSAL/outcome" \
  -H "Authorization: Bearer $COUNTERSIGN_AGENT_KEY" \
  -H "Content-Type: application/json" \
  -d '{"status": "succeeded", "result": {"deleted": 1}}'
