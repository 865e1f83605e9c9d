"""What Slack is sent: pure functions from stored state to texts and Block Kit, drawn from templates/cards."""
