"""Reports made from records: tables, figures, statistics and HTML pages."""
