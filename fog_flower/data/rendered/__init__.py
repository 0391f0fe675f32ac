"""Digits that look like house numbers, drawn: what ``dataset=rendered-digits`` needs."""
