"""Inventory: an HTTP service whose commands append events, and whose queries read only projections.

| file | holds |
|---|---|
| `facts.py` | what can happen to an item, as it is stored |
| `item.py` | the rules: what may happen when |
| `requests.py` | what a request may say, and what is wrong with it otherwise |
| `projections.py` | three read models, independent of each other, and the queries of them |
| `service.py` | commands and queries, and what runs behind them |
| `http.py` | HTTP in, HTTP out |
| `logs.py` | a line of JSON for each command and each batch of a projection |
| `__main__.py` | the command line |
"""
