"""Redis-backed quota locking for whatever is handed out by slots: the gate admits, PostgreSQL decides."""
