curl -sSN "$COUNTERSIGN_URL/api/v1/approvals/stream" \
  -H "Authorization: Bearer $COUNTERSIGN_AGENT_KEY" \
  -H "Last-Event-ID: 0"
