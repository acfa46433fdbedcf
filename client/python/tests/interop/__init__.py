"""Performs the interoperability cases (tests/interop/README.md) with the asynchronous client: `python -m tests.interop`."""
