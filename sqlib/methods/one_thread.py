"""Linear algebra on one thread: small matrices are quicker so, and no result depends on the number of cores."""

import functools


def one_thread(function):
    """Decorator: the BLAS libraries loaded use one thread while ``function`` runs."""

    @functools.wraps(function)
    def alone(*args, **kwargs):
        with _pools().limit(limits=1, user_api="blas"):
            return function(*args, **kwargs)

    return alone


@functools.cache
def _pools():
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
