"""``fog-flower bench``: the speed of a run, compared with bare Keras and a plain Flower app.

``cases`` says what is measured, each module of ``parts`` measures one thing, ``ledger`` keeps every
figure as it comes, ``report`` makes a table and a picture of the last sitting.
"""
