"""What the records say: tables, figures, statistics, one page."""
