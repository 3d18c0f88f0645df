"""What each Result says: one module a method, of the same name.

``FINDERS`` names its findings; ``sample`` is the n below its figure; ``limits`` what may not be concluded from it:
codes of ``[limit.<code>]`` in ``words/page.toml`` with the values that fill them.
"""
