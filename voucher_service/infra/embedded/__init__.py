"""PostgreSQL and Valkey out of wheels, as children that die with us: one-command start and tests.

Production brings its own servers; nothing outside `serving` and the tests imports this package.
"""
