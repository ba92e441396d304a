"""The local embedding: no network, no request, the same numbers in every process."""

import subprocess
import sys
import time

import numpy as np

from memory.embedding import Embedding, LocalEmbedding


async def test_each_text_has_a_vector_of_length_one(embedding: LocalEmbedding) -> None:
    fits: Embedding = embedding
    found = await fits.embed(["The crane is red.", "我对花生过敏", "🧿", "\x00 \u202e"])
    assert found.shape == (4, 256)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert (await fits.embed([])).shape == (0, 256)
    assert fits.trouble == ""
    assert not fits.per_request


async def test_what_means_the_same_is_near(embedding: LocalEmbedding) -> None:
    rows = await embedding.embed(
        ["My dog is ill.", "The vet saw my puppy.", "Interest rates rose."]
    )
    asked = await embedding.embed_query("Is the dog sick?", {})
    near = rows @ asked[0]
    assert near[0] > near[1] > near[2]


async def test_a_rare_word_of_a_query_counts_more(embedding: LocalEmbedding) -> None:
    (text,) = await embedding.embed(["Gerald lives in the fridge."])
    plain = await embedding.embed_query("what about gerald", {})
    weighed = await embedding.embed_query("what about gerald", {"gerald": 6.0, "what": 0.5})
    assert weighed[0] @ text > plain[0] @ text


async def test_a_huge_paste_takes_no_longer_than_its_beginning(embedding: LocalEmbedding) -> None:
    started = time.monotonic()
    huge, start = await embedding.embed(["word " * 200_000, "word " * 1_600])
    assert time.monotonic() - started < 2
    np.testing.assert_allclose(huge, start, atol=1e-5)


async def test_another_process_makes_the_same_numbers(embedding: LocalEmbedding) -> None:
    code = (
        "import asyncio; from memory.embedding import LocalEmbedding\n"
        "row = asyncio.run(LocalEmbedding().embed(['The crane is red.']))[0]\n"
        "print(row.tobytes().hex())"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    (row,) = await embedding.embed(["The crane is red."])
    assert run.stdout.strip() == row.tobytes().hex()
