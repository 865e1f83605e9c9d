target="/api/v1/approvals/$REQUEST"
body='{"decision": "approve"}'
timestamp=$(date +%s)
nonce=$(openssl rand -hex 16)

hash=$(printf '%s' "$body" | openssl dgst -sha256 | sed 's/.* //')
text=$(printf 'v1\n%s\n%s\n%s\n%s\n%s' POST "$target" "$timestamp" "$nonce" "$hash")
signature=$(printf '%s' "$text" | openssl dgst -sha256 -hmac "$COUNTERSIGN_OPERATOR_SECRET" | sed 's/.* //')

curl -sS -X POST "$COUNTERSIGN_URL$target" \
  -H "Content-Type: application/json" \
  -H "X-Countersign-Key: $COUNTERSIGN_OPERATOR_KEY_ID" \
  -H "X-Countersign-Timestamp: $timestamp" \
  -H "X-Countersign-Nonce: $nonce" \
  -H "X-Countersign-Signature: v1=$signature" \
  -d "$body"
