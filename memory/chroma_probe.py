"""Opens Chroma's files and reads from all of them: run as a program, because damaged ones crash it.

    python -P chroma_probe.py DIRECTORY

Ends with 0 where everything could be read; else the error is the last line that it writes.
"""

import sys
from typing import Any

PAGES = 20
PAGE = 1_000


def main(directory: str) -> int:
    import chromadb
    from chromadb.config import Settings

    try:
        chroma: Any = chromadb.PersistentClient(
            path=directory, settings=Settings(anonymized_telemetry=False)
        )
        for known in chroma.list_collections():
            collection = chroma.get_collection(known.name, embedding_function=None)
            step = max(PAGE, collection.count() // PAGES)
            for start in range(0, collection.count(), step):
                collection.get(limit=PAGE, offset=start, include=["embeddings", "metadatas"])
        chroma.close()
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
