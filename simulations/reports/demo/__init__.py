"""Report of ``fog-flower demo``: a sentence, a table, a picture and a page."""
