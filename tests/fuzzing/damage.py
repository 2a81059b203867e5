"""Ways to damage the bytes of a file."""

from __future__ import annotations

from hypothesis import strategies as st

RUBBISH = [b"", b"\0", b"this is no such file\n", bytes(5000), b"\xff\xfe" * 50, b"{}", b"[]"]


KINDS = ["truncate", "flip", "zero", "insert", "delete", "repeat", "rubbish"]


@st.composite
def damaged(draw: st.DrawFn, content: bytes, near: int = 0) -> bytes:
    """Bytes with one or two faults.

    Args:
        draw: Of hypothesis.
        content: The bytes of a good file.
        near: Length of the header, in which half of the faults lie; 0 for none.
    """
    for _ in range(draw(st.integers(1, 2))):
        end = near if near and draw(st.booleans()) else len(content)
        position = draw(st.integers(0, max(0, min(end, len(content)) - 1)))
        before, after = content[:position], content[position:]
        size = draw(st.integers(1, 64))
        match draw(st.sampled_from(KINDS)):
            case "truncate":
                content = before
            case "flip" if after:
                content = before + bytes([after[0] ^ 1 << draw(st.integers(0, 7))]) + after[1:]
            case "zero":
                content = before + bytes(len(after[:size])) + after[size:]
            case "insert":
                content = before + draw(st.binary(min_size=1, max_size=16)) + after
            case "delete":
                content = before + after[size:]
            case "repeat":
                content = before + after[:size] + after
            case "rubbish":
                content = draw(st.sampled_from(RUBBISH))
    return content
