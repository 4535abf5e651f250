"""Laws of JSONL files: a line that a kill or a power cut broke is dropped, and no other."""

from jaxrlvr.storage.atomic_files import keep_steps, records

WHOLE = ['{"step": 1, "text": "a\u2028b"}\n', '{"step": 2}\n', '{"step": 3}\n']
BROKEN = ["\0\0\0\0\n", "{\n", "[1]\n", '"step"\n', '{"stop": 2}\n', '{"step": "2"}\n', '{"step": 2']


def test_keep_steps__drops_later_steps_and_broken_lines(tmp_path):
    file = tmp_path / "metrics.jsonl"
    file.write_text("".join([WHOLE[0], *BROKEN[:-1], *WHOLE[1:], BROKEN[-1]]))
    keep_steps(file, 2)
    assert file.read_text() == WHOLE[0] + WHOLE[1]


def test_keep_steps__of_bytes_that_are_no_text_keeps_the_rest(tmp_path):
    file = tmp_path / "metrics.jsonl"
    file.write_bytes(b"\xff\xfe\n" + WHOLE[1].encode())
    keep_steps(file, 2)
    assert file.read_text() == WHOLE[1]


def test_records__are_those_of_whole_lines(tmp_path):
    file = tmp_path / "metrics.jsonl"
    assert records(file) == []
    file.write_text("".join([*BROKEN[:-1], *WHOLE]))
    assert [record["step"] for record in records(file)] == [1, 2, 3]
