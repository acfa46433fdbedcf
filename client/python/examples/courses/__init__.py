"""Enrolment in courses: decisions that no single stream can make (dynamic consistency boundaries, https://dcb.events).

A course has a capacity, and a student takes five courses at most: whether a student may subscribe depends on the events of the
course and on those of the student. Both are found by tags, whatever streams they stand in, and the append is refused if
another such event came meanwhile.

| file | holds |
|---|---|
| `facts.py` | what can happen, as it is stored, and with which tags |
| `enrolment.py` | decision models, each with its query, and the rules |
| `__main__.py` | the command line |
"""
