"""Orders: one aggregate, its commands, and a list of orders as a read model.

| file | holds |
|---|---|
| `facts.py` | what can happen to an order, as it is stored |
| `order.py` | the rules: what may happen when |
| `order_list.py` | the read model |
| `__main__.py` | the command line |

The same application stands in the examples of the other languages; all of them work on the same streams.
"""
