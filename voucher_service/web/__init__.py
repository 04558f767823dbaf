"""What the three faces share, and nothing about vouchers: app, errors, sign-in, fields, kit.

How to write a page and an API call: docs/web.md.
"""
