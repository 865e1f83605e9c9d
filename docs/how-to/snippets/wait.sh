curl -sS "$COUNTERSIGN_URL/api/v1/proposals/$PROPOSAL?wait=60" \
  -H "Authorization: Bearer $COUNTERSIGN_AGENT_KEY"
