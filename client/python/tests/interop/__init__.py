"""Executes the interoperability cases (tests/interop/README.md) with the asynchronous client.

Run it as `python -m tests.interop`.
"""
