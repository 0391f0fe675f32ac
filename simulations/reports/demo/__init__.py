"""What the records of ``fog-flower demo`` say: a sentence, a table, a picture, a page."""
