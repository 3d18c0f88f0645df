"""Parts of the simulation table of effects; each module lists its ``CELLS`` (``benchmarks/effects.py`` runs them)."""
