"""A symmetric matrix that falls into independent dense blocks: factorised, solved, and its inverse looked up."""

import functools

import numpy as np
from scipy import linalg, sparse

from sqlib.errors import MethodRefused

CHUNK = 2_000_000  # numbers gathered at a time


class Blocks:
    """Inverse of a symmetric matrix that falls into blocks: ``scale (scale matrix scale + ridge)^-1 scale``."""

    def __init__(self, matrix: sparse.csr_matrix, blocks: np.ndarray, scale: np.ndarray, ridge: np.ndarray):
        self.order = np.argsort(blocks, kind="stable")
        self.sizes = np.bincount(blocks)
        self.block, self.scale = blocks, scale
        ends = np.cumsum(self.sizes)
        self.place = np.empty(len(blocks), dtype=np.int64)  # within its block
        self.place[self.order] = np.arange(len(blocks)) - np.repeat(ends - self.sizes, self.sizes)
        sorted_ = matrix[self.order][:, self.order] if len(self.sizes) > 1 else matrix
        self.factors, self.determinant = [], 0.0
        for stop, size in zip(ends, self.sizes, strict=True):
            at = self.order[stop - size : stop]
            square = sorted_[stop - size : stop, stop - size : stop]
            square = scale[at][:, None] * (square if isinstance(square, np.ndarray) else square.toarray())
            square *= scale[at]
            square[np.arange(size), np.arange(size)] += ridge[at]
            factor, info = linalg.lapack.dpotrf(square.T, lower=1, overwrite_a=1, clean=1)
            if info:
                raise MethodRefused("crossed.singular")
            self.factors.append(factor)
            self.determinant += 2 * np.log(np.diag(factor)).sum()

    @functools.cached_property
    def flat(self) -> np.ndarray:
        """The inverse, block after block."""
        found = np.empty(int((self.sizes.astype(np.int64) ** 2).sum()))
        for start, factor, at in zip(self.starts, self.factors, self._members(), strict=True):
            size = len(at)
            square = found[start : start + size * size].reshape(size, size)
            square[:] = linalg.lapack.dpotri(factor, lower=1)[0]
            _mirror(square)
            square *= self.scale[at][:, None]
            square *= self.scale[at]
        return found

    @functools.cached_property
    def starts(self) -> np.ndarray:
        squares = self.sizes.astype(np.int64) ** 2
        return np.cumsum(squares) - squares

    def _members(self):
        return np.split(self.order, np.cumsum(self.sizes)[:-1])

    def solve(self, right) -> np.ndarray:
        solved = np.empty_like(right, dtype=float)
        for factor, at in zip(self.factors, self._members(), strict=True):
            inner = linalg.lapack.dpotrs(factor, scaled(self.scale[at], right[at]), lower=1)[0]
            solved[at] = scaled(self.scale[at], inner.reshape(right[at].shape))
        return solved

    def times(self, right) -> np.ndarray:
        return self.solve(right.toarray())

    @property
    def diagonal(self) -> np.ndarray:
        every = np.arange(len(self.block))
        return self.entries(every, every)

    def entries(self, i, j) -> np.ndarray:
        """Elements (i, j) of the inverse; 0 across blocks."""
        block = self.block[i]
        if len(self.sizes) == 1:
            return self.flat[i * self.sizes[0] + j]
        same = block == self.block[j]
        at = self.starts[block] + self.place[i] * self.sizes[block] + np.where(same, self.place[j], 0)
        return np.where(same, self.flat[at], 0.0)

    def product_trace(self, matrix) -> float:
        """Trace of the inverse times ``matrix``."""
        coordinate = sparse.coo_matrix(matrix)
        return float(coordinate.data @ self.entries(coordinate.row.astype(np.int64), coordinate.col.astype(np.int64)))

    def quadratic(self, rows: sparse.csr_matrix) -> np.ndarray:
        """a' inverse a for every sparse row a."""
        counts, found = np.diff(rows.indptr), np.zeros(rows.shape[0])
        for k in np.unique(counts[counts > 0]):
            chosen = np.flatnonzero(counts == k)
            for some in np.array_split(chosen, max(1, len(chosen) * k * k // CHUNK)):
                cell = rows.indptr[some][:, None] + np.arange(k)
                at, value = rows.indices[cell].astype(np.int64), rows.data[cell]
                inner = self.entries(at[:, :, None], at[:, None, :])
                found[some] = np.einsum("ri,rij,rj->r", value, inner, value, optimize=True)
        return found


def scaled(weight, rows):
    """Rows times their weights, whether one column or many."""
    return weight * rows if rows.ndim == 1 else weight[:, None] * rows


def _mirror(square: np.ndarray) -> None:
    """Copy the filled lower triangle onto the upper one."""
    for i in range(0, len(square), 512):
        part = slice(i, min(i + 512, len(square)))
        square[part, part.stop :] = square[part.stop :, part].T
        corner = square[part, part]
        corner[:] = np.tril(corner) + np.tril(corner, -1).T
