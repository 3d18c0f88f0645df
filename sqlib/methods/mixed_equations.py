"""Henderson's mixed-model equations of crossed and nested random factors, solved without looking at the rows again.

The cross-products W'W of all indicator columns are formed once. A chain of factors (the one with most levels, the
largest factor it is nested in, and so on) has diagonal blocks and is eliminated; the Schur complement of the rest is
factorised densely, block by block. A factor nested regularly in another (rater x criterion in rater) is turned to
orthonormal contrasts within it: where every score sheet is complete these are independent of all people, and the
blocks fall apart.

References: Henderson (1984) Applications of Linear Models in Animal Breeding; Bates et al. (2015) Journal of
Statistical Software 67(1), for the scaling by relative standard deviations that lets a variance be 0.
"""

import functools
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from sqlib.errors import MethodRefused
from sqlib.methods.dense_blocks import Blocks, scaled

WIDEST = 5000  # columns of one dense block: 200 MB a matrix
ALIASED = 1e-8  # of a fixed column's own cross-product, left after the columns before it
SMALL = 400  # columns up to which a dense matrix is quicker than a sparse one


@dataclass(frozen=True)
class Equations:
    """Cross-products of n rows. Columns: the chain of eliminated factors, the other random factors, the fixed effects.

    ``products`` (columns, columns) sparse W'W; ``right`` (columns,) W'y; ``squares`` y'y, of y less ``centre``;
    ``columns`` name -> slice; ``chain`` names; ``random`` names, in the order of the variance ratios;
    ``basis`` name -> sparse matrix from columns to levels; ``fixed`` names, beginning with the intercept;
    ``blocks`` (columns not in the chain,) the block of the dense part each belongs to.
    """

    products: sparse.csr_matrix
    right: np.ndarray
    squares: float
    n: int
    centre: float
    columns: dict[str, slice]
    chain: tuple[str, ...]
    random: tuple[str, ...]
    fixed: tuple[str, ...]
    basis: dict[str, sparse.csr_matrix]
    blocks: np.ndarray

    @property
    def rank(self) -> int:
        """Columns of the fixed effects that are left."""
        return sum(self.width(name) for name in self.fixed)

    def width(self, name: str) -> int:
        return self.columns[name].stop - self.columns[name].start

    def loadings(self, name: str, rows=None) -> sparse.csr_matrix:
        """(levels, columns): what a level's effect is made of; ``rows``: only these levels."""
        basis = self.basis[name] if rows is None else self.basis[name][rows]
        at, coordinate = self.columns[name], basis.tocoo()
        shape = (basis.shape[0], self.products.shape[0])
        return sparse.csr_matrix((coordinate.data, (coordinate.row, coordinate.col + at.start)), shape=shape)

    def at(self, ratios) -> "Solved":
        """The equations solved at given variances relative to the residual, in the order of ``random``."""
        return Solved(self, np.asarray(ratios, dtype=float))


def equations(y, fixed: dict, factors: dict) -> Equations:
    """Form the equations of ``y`` (n,) on an intercept, ``fixed`` and random ``factors``: name -> codes (n,) from 0.

    Fixed factors are coded in orthonormal contrasts; columns that add nothing to those before them are dropped.
    Raises MethodRefused (crossed.too_wide) where more columns are left than one dense matrix may have.
    """
    y = np.asarray(y, dtype=float)
    centre = float(y.mean())
    codes = {**factors, "": np.zeros(len(y), dtype=np.int64), **fixed}
    sizes = {name: int(code.max()) + 1 for name, code in codes.items()}
    raw, right = _products(y - centre, codes, sizes)
    at = _slices(sizes)
    chain = _chain(raw, at, sizes, list(factors))
    rest = [name for name in factors if name not in chain]
    basis = {name: sparse.identity(sizes[name], format="csr") for name in ["", *factors]}
    basis |= {name: sparse.csr_matrix(_helmert(sizes[name])) for name in fixed}
    for name in rest:
        parent = _parent(codes, sizes, name, factors)
        if parent:
            basis[name] = _turned(sizes[parent], sizes[name] // sizes[parent])
    order = [*chain, *rest, "", *fixed]
    turn = _turn(order, at, basis, raw.shape[0])
    products = _clean((turn.T @ raw @ turn).tocsr())
    columns = _slices({name: basis[name].shape[1] for name in order})
    products, right, columns, basis = _independent(products, turn.T @ right, columns, basis, ["", *fixed])
    blocks = _blocks(products, columns, chain)
    widest = int(np.bincount(blocks).max())
    if widest > WIDEST:
        raise MethodRefused("crossed.too_wide", got=widest, most=WIDEST)
    squares = float((y - centre) @ (y - centre))
    return Equations(products, right, squares, len(y), centre, columns, tuple(chain), (*chain, *rest), ("", *fixed),
                     basis, blocks)  # fmt: skip


class Solved:
    """The equations at one set of variance ratios. C is the inverse of the coefficient matrix, in units of the
    residual variance: the covariance of the prediction errors, estimate minus truth, of all columns."""

    def __init__(self, equations: Equations, ratios: np.ndarray):
        self.equations, self.ratios = equations, ratios
        self.steps = []  # of the chain: weight, coupling to the columns that follow
        ratio = dict(zip(equations.random, ratios, strict=True))
        left, determinant = _dense_if_small(equations.products), 0.0
        for name in equations.chain:
            k = equations.width(name)
            diagonal = left.diagonal()[:k]
            weight = ratio[name] / (1 + ratio[name] * diagonal)
            coupling = left[:k, k:]
            left = _dense_if_small(left[k:, k:]) - _between(coupling, weight, coupling)
            self.steps.append((weight, coupling))
            determinant += np.log1p(ratio[name] * diagonal).sum()
        rest = [np.full(equations.width(name), ratio[name]) for name in equations.random if name not in equations.chain]
        scale = np.sqrt(np.concatenate([*rest, np.ones(equations.rank)]))
        ridge = np.concatenate([np.ones(len(scale) - equations.rank), np.zeros(equations.rank)])
        self.dense = Blocks(left, equations.blocks, scale, ridge)
        self.determinant = determinant + self.dense.determinant

    @functools.cached_property
    def solution(self) -> np.ndarray:
        return self.solve(self.equations.right)

    @functools.cached_property
    def rest(self) -> float:
        """y'Py in units of the residual variance: its REML estimate is this over n less the rank."""
        return self.equations.squares - float(self.equations.right @ self.solution)

    @property
    def residual_variance(self) -> float:
        return self.rest / (self.equations.n - self.equations.rank)

    @property
    def deviance(self) -> float:
        """-2 log restricted likelihood, the residual variance profiled out."""
        free = self.equations.n - self.equations.rank
        return self.determinant + free * (1 + np.log(2 * np.pi * self.rest / free))

    def solve(self, right) -> np.ndarray:
        """C times ``right`` (columns,) or (columns, k)."""
        parts = []
        for weight, coupling in self.steps:
            own, right = right[: len(weight)], right[len(weight) :]
            parts.append(own)
            right = right - coupling.T @ scaled(weight, own)
        solved = self.dense.solve(right)
        for (weight, coupling), own in zip(reversed(self.steps), reversed(parts), strict=True):
            solved = np.concatenate([scaled(weight, own - coupling @ solved), solved])
        return solved

    def variance(self, loadings: sparse.csr_matrix) -> np.ndarray:
        """Variance of the prediction error of each combination of columns, (combinations,)."""
        own, rest = self._reduced(loadings)
        return sum(part.power(2) @ weight for part, weight in own) + self.dense.quadratic(rest)

    def covariance(self, loadings: sparse.csr_matrix) -> np.ndarray:
        """Covariance matrix of the prediction errors of the combinations."""
        own, rest = self._reduced(loadings)
        found = rest @ self.dense.times(rest.T)
        for part, weight in own:
            found = found + (_columns_scaled(part, weight) @ part.T).toarray()
        return found

    def _reduced(self, loadings):
        """Combinations carried through the chain: their parts in it, and what they are of the dense columns."""
        own, rest = [], sparse.csr_matrix(loadings)
        for weight, coupling in self.steps:
            part, rest = rest[:, : len(weight)], rest[:, len(weight) :]
            own.append((part, weight))
            rest = sparse.csr_matrix(rest - _columns_scaled(part, weight) @ coupling)
        return own, rest

    @functools.cached_property
    def traces(self) -> np.ndarray:
        """Trace of C over the columns of every random factor."""
        found = [self._chain_trace(i) for i in range(len(self.steps))]
        diagonal, start = self.dense.diagonal, 0
        for name in self.equations.random[len(found) :]:
            stop = start + self.equations.width(name)
            found.append(diagonal[start:stop].sum())
            start = stop
        return np.array(found)

    def _chain_trace(self, i: int) -> float:
        weight, coupling = self.steps[i]
        inner, total = _between(coupling, weight**2, coupling), weight.sum()
        for weight, coupling in self.steps[i + 1 :]:
            k = len(weight)
            own = inner.diagonal()[:k]  # nested factors: diagonal
            total += own @ weight
            cross = _between(coupling, weight, inner[:k, k:])
            inner = inner[k:, k:] - cross - cross.T + _between(coupling, own * weight**2, coupling)
        return float(total + self.dense.product_trace(inner))


def _products(y, codes, sizes):
    """W'W and W'y of the indicator columns of all factors."""
    offsets = np.cumsum([0, *sizes.values()])
    index = np.int32 if offsets[-1] < 2**31 else np.int64
    columns = np.empty((len(y), len(codes)), dtype=index)
    for j, code in enumerate(codes.values()):
        columns[:, j] = code
        columns[:, j] += offsets[j]
    pointer = np.arange(len(y) + 1, dtype=np.int64) * len(codes)
    rows = sparse.csr_matrix((np.ones(columns.size), columns.ravel(), pointer), shape=(len(y), offsets[-1]))
    flipped = rows.T.tocsr()
    return (flipped @ rows).tocsr(), flipped @ y


def _slices(sizes: dict[str, int]) -> dict[str, slice]:
    ends = np.cumsum(list(sizes.values()))
    return {name: slice(int(end) - size, int(end)) for (name, size), end in zip(sizes.items(), ends, strict=True)}


def _chain(products, at, sizes, names) -> list[str]:
    """The factor with most levels, the largest one it is nested in, and so on; of all starts the one taking most."""
    diagonal = products.diagonal()
    used = {name: np.count_nonzero(diagonal[at[name]]) for name in names}  # a cell may stand empty

    def upwards(name):
        outer = [other for other in names if other != name and sizes[other] < sizes[name]
                 and products[at[name], at[other]].nnz == used[name]]  # fmt: skip
        return [name, *(upwards(max(outer, key=sizes.get)) if outer else [])]

    return max((upwards(name) for name in names), key=lambda chain: sum(sizes[name] for name in chain), default=[])


def _parent(codes, sizes, name, factors):
    """The random factor within whose levels those of ``name`` are numbered one after the other."""
    for other in factors:
        k = sizes[name] // sizes[other]
        if k > 1 and k * sizes[other] == sizes[name] and np.array_equal(codes[name] // k, codes[other]):
            return other
    return None


def _helmert(k: int) -> np.ndarray:
    """(k, k - 1) orthonormal contrasts."""
    return linalg.helmert(k).T if k > 1 else np.zeros((1, 0))


def _turned(parents: int, k: int) -> sparse.csr_matrix:
    """Mean and contrasts of the ``k`` levels within each parent."""
    square = np.column_stack([np.full(k, k**-0.5), _helmert(k)])
    return sparse.kron(sparse.identity(parents), square, format="csr")


def _turn(order, at, basis, width):
    """From the columns in their order to the indicators."""
    parts, start = [], 0
    for name in order:
        coordinate = basis[name].tocoo()
        parts.append((coordinate.data, coordinate.row + at[name].start, coordinate.col + start))
        start += basis[name].shape[1]
    data, row, column = (np.concatenate(part) for part in zip(*parts, strict=True))
    return sparse.csr_matrix((data, (row, column)), shape=(width, start))


def _clean(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """Without what rounding left of exact zeros."""
    size = np.sqrt(np.maximum(matrix.diagonal(), 1e-300))
    limit = 1e-12 * size[np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))] * size[matrix.indices]
    matrix.data[np.abs(matrix.data) <= limit] = 0.0
    matrix.eliminate_zeros()
    return matrix


def _independent(products, right, columns, basis, fixed):
    """Without fixed columns that the ones before them explain."""
    start = columns[fixed[0]].start
    square = products[start:, start:].toarray()
    kept, own = [], np.diag(square).copy()
    for j in range(len(square)):
        if own[j] > 0 and square[j, j] > ALIASED * own[j]:
            kept.append(j)
            square = square - np.outer(square[:, j], square[j]) / square[j, j]
    if len(kept) == len(square):
        return products, right, columns, basis
    keep = np.concatenate([np.arange(start), start + np.array(kept, dtype=np.int64)])
    basis = dict(basis)
    for name in fixed:
        basis[name] = basis[name][
            :, [j for j in range(basis[name].shape[1]) if columns[name].start - start + j in kept]
        ]
    sizes = {name: basis[name].shape[1] for name in columns}
    return products[keep][:, keep], right[keep], _slices(sizes), basis


def _blocks(products, columns, chain) -> np.ndarray:
    """Connected blocks of the dense columns once the chain is eliminated."""
    from scipy.sparse import csgraph

    start = columns[chain[-1]].stop if chain else 0
    label = csgraph.connected_components(products, directed=False)[1]
    return np.unique(label[start:], return_inverse=True)[1]


def _between(left, weight, right):
    """left' diag(weight) right; dense where that is small."""
    if isinstance(left, np.ndarray):
        return left.T @ (weight[:, None] * right)
    product = left.T @ _rows_scaled(weight, right)
    return product.toarray() if product.shape[0] <= SMALL else product.tocsr()


def _dense_if_small(matrix):
    return matrix.toarray() if sparse.issparse(matrix) and matrix.shape[0] <= SMALL else matrix


def _rows_scaled(weight, matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    data = matrix.data * np.repeat(weight, np.diff(matrix.indptr))
    return sparse.csr_matrix((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def _columns_scaled(matrix: sparse.csr_matrix, weight) -> sparse.csr_matrix:
    return sparse.csr_matrix((matrix.data * weight[matrix.indices], matrix.indices, matrix.indptr), shape=matrix.shape)
