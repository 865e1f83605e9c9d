"""The records: tables, transactions, queries and guarded moves, on SQLite or PostgreSQL."""
