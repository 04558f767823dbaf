"""The signals: each looks at one subject and its neighbours and says what it finds. Pure.

Their figures are judgements, with their reasons in docs/risk.md.
"""
