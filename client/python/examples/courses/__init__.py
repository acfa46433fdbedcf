"""Enrolment in courses: decisions that depend on several streams.

Such decisions are known as dynamic consistency boundaries (https://dcb.events).

A course has a capacity, and a student takes at most five courses. Whether a student may subscribe depends on the
events of the course and on those of the student. Both are found by tags, in any streams, and the append is rejected
if another such event was appended meanwhile.

| file | contents |
|---|---|
| `events.py` | the event types, with their tags |
| `enrolment.py` | decision models, each with its query, and the rules |
| `__main__.py` | the command line |
"""
