"""Orders: one aggregate, its commands, and a list of orders as a read model.

| file | contents |
|---|---|
| `events.py` | the event types |
| `order.py` | the rules |
| `order_list.py` | the read model |
| `__main__.py` | the command line |

The examples of the other languages contain the same application; all of them work on the same streams.
"""
