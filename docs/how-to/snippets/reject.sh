countersign-client reject "$REQUEST" --reason "keep it until the audit is over"
