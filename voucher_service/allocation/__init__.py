"""Redis-backed quota locking of whatever has slots: the gate admits, PostgreSQL decides."""
