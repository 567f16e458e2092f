"""Sums and means of rows by label, in one product of matrices. Pure, on arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["means", "sums"]

Rows = NDArray[np.float32]
Labels = NDArray[np.int64]

FEW = 64
"""Rows up to which adding one by one is faster than setting up a sparse matrix."""


def sums(rows: Rows, labels: Labels, count: int) -> Rows:
    """The sum of the rows of each label: shape (count, width); zero for a label without rows."""
    if len(rows) <= FEW:
        found = np.zeros((count, rows.shape[1]), dtype=np.float32)
        np.add.at(found, labels, rows)
        return found
    from scipy.sparse import csr_matrix

    ones, places = np.ones(len(labels), dtype=np.float32), np.arange(len(labels))
    of = csr_matrix((ones, (labels, places)), shape=(count, len(labels)))
    return np.asarray(of @ rows, dtype=np.float32)


def means(rows: Rows, labels: Labels, count: int) -> Rows:
    """The mean row of each label; its length tells how close the group is."""
    sizes = np.bincount(labels, minlength=count)
    return np.asarray(sums(rows, labels, count) / np.maximum(sizes, 1)[:, None], dtype=np.float32)
