"""A large honest book for benchmarks and lists: planned by the services, loaded by COPY."""
