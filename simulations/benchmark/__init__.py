"""``fog-flower bench``: the speed of a run, compared with bare Keras and a plain Flower app.

``cases`` defines what is measured, each module of ``parts`` makes one measurement, ``ledger`` saves
each figure at once, and ``bench_report`` writes tables and a picture of the latest sessions. A
session is called a sitting in the code.
"""
