"""Pins the digests of all shipped weights: `python training/pin.py`, after they were trained."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from miner.shipped import PINS, digests

if __name__ == "__main__":
    PINS.write_text(json.dumps(digests(), indent=1) + "\n", encoding="utf-8")
    print(f"wrote {PINS}")
