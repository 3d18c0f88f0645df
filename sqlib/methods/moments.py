"""Cross-products of columns and their cluster bootstrap: what regressions need, without touching the rows again.

Sums of products are added up once per cluster; a replicate weighs the clusters and adds again. A million rows cost
one pass, a thousand replicates one matrix product.
"""

import numpy as np

from sqlib.methods import clusters

BLOCKS = 1000  # above so many clusters, random blocks of them are drawn: same variance, bounded memory


def resampled(columns, cluster, *, replicates: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Cross-products of the sample (m, m) and of ``replicates`` cluster bootstrap samples (replicates, m, m).

    ``columns`` (n, m); ``cluster`` (n,) labels, None = every row alone. With a leading column of ones, element (0, 0)
    is the number of rows and row 0 the sums.
    """
    rng = np.random.default_rng(seed)
    columns = np.asarray(columns, dtype=float)
    code = clusters.codes(cluster, len(columns))
    groups = int(code.max()) + 1
    if groups > BLOCKS:
        code, groups = rng.permutation(groups)[code] % BLOCKS, BLOCKS
    first, second = np.triu_indices(columns.shape[1])
    order = np.argsort(code, kind="stable")
    starts = np.searchsorted(code[order], np.arange(groups))
    rows, pairs = np.ascontiguousarray(columns[order].T), zip(first, second, strict=True)
    sums = np.stack([np.add.reduceat(rows[i] * rows[j], starts) for i, j in pairs], axis=1)
    counts = clusters.drawn(rng, groups, replicates)
    return _square(sums.sum(0), first, second), _square(counts @ sums, first, second)


def covariance(products) -> tuple[np.ndarray, np.ndarray]:
    """Means (..., m) and covariances (..., m, m; divisor n) of the columns after the leading ones."""
    products = np.asarray(products)
    n = products[..., :1, :1]
    means = products[..., :1, 1:] / n
    return means[..., 0, :], products[..., 1:, 1:] / n - np.swapaxes(means, -1, -2) * means


def correlation(covariances) -> np.ndarray:
    """Correlations (..., m, m); 0 with a column that does not vary."""
    sd = np.sqrt(np.maximum(np.diagonal(covariances, axis1=-2, axis2=-1), 0))
    scale = sd[..., :, None] * sd[..., None, :]
    found = np.where(scale > 0, covariances / np.where(scale > 0, scale, 1.0), 0.0)
    return np.where(np.eye(found.shape[-1], dtype=bool), 1.0, np.clip(found, -1.0, 1.0))


def _square(upper, first, second):
    size = second.max() + 1
    full = np.empty((*upper.shape[:-1], size, size))
    full[..., first, second] = full[..., second, first] = upper
    return full
