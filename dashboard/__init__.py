"""Showing: reads what was collected and mined, writes nothing but a person's decisions."""
