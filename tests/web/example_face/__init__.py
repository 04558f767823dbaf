"""A face as small as one can be: the pattern for the real ones, kept working by the tests."""
