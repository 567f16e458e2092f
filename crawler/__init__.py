"""Collecting: pages in, documents out, documents kept. Knows nothing of claims or themes."""
