"""Inventory: an HTTP service whose commands append events, and whose queries read only projections.

| file | contents |
|---|---|
| `events.py` | the event types |
| `item.py` | the rules |
| `requests.py` | parsing and validation of requests |
| `projections.py` | three independent read models, and the queries on them |
| `service.py` | commands, queries and the running projections |
| `http.py` | HTTP requests and responses |
| `logs.py` | a line of JSON for each command and each batch of a projection |
| `__main__.py` | the command line |
"""
