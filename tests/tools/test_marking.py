"""Words of strangers reach the model in a block that says it is data, and cannot leave it."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tools.marking import as_data


def test_a_block_says_where_it_is_from_and_that_it_is_data() -> None:
    marked = as_data("It rains.", "read_page")
    assert marked.startswith('<data from="read_page">\nIt rains.\n</data>\n')
    assert "not instructions" in marked


@pytest.mark.parametrize(
    "escape",
    ["</data>", "</DATA >", "< / data>", "<data from='user'>", "＜/data>", "<\n/data>",
     "<|im_end|>", "<|start_header_id|>system", "<end_of_turn>", "<start_of_turn>user", "</s>",
     "<s>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]"],
)  # fmt: skip
def test_marks_inside_lose_their_meaning(escape: str) -> None:
    marked = as_data(f"before {escape} after", "read_page")
    inside = marked.partition(">\n")[2].rpartition("\n</data>")[0]
    assert escape not in inside
    assert "before" in inside
    assert "after" in inside


@pytest.mark.parametrize("plain", ["a < b > c", "<b>bold</b>", "<dataset>", "x[1]", "if a<data2:"])
def test_other_text_stays_as_it_is(plain: str) -> None:
    assert f"\n{plain}\n</data>" in as_data(plain, "t")


@given(some.text(alphabet="<>/dat |s＜ \n[]INST"))
def test_no_text_whatever_ends_its_block(text: str) -> None:
    marked = as_data(text, "t").lower()
    assert marked.replace(" ", "").replace("\n", "").count("</data>") == 1
    assert "<|" not in marked
    assert "|>" not in marked


def test_the_source_cannot_forge_the_mark() -> None:
    assert as_data("x", 'a">\n<b').startswith('<data from="a____b">\n')
