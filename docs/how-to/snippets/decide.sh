countersign-client approvals
countersign-client show "$REQUEST"
countersign-client approve "$REQUEST" --reason "checked the path"
