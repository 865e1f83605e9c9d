curl -sS -X DELETE "$COUNTERSIGN_URL/api/v1/proposals/$PROPOSAL" \
  -H "Authorization: Bearer $COUNTERSIGN_AGENT_KEY" \
  -H "Content-Type: application/json" \
  -d '{"reason": "no longer needed"}'
