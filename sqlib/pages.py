"""Run the committed pages again on their defaults and normalise them: ``python -m sqlib.pages`` (``make pages``)."""

from pathlib import Path

from sqlib import catalogue, notebook


def refresh(path: Path) -> Path:
    """Execute one committed notebook with its own defaults (the demo client, in Chinese) and normalise it in place."""
    from nbclient import NotebookClient

    nb = notebook.read(path)
    settings = {"kernel_name": "python3", "config": notebook.encrypted()}
    NotebookClient(nb, resources={"metadata": {"path": str(path.parent)}}, **settings).execute()
    return notebook.write(notebook.normalise(nb), path)


def main() -> None:
    """Refresh every page of the catalogue, one line each."""
    for entry in catalogue.entries().values():
        print(refresh(entry.notebook).name)


if __name__ == "__main__":
    main()
