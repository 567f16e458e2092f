"""What an address may ask for."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest


def paged() -> None:
    """A list of three pages."""
    import streamlit as st

    from dashboard import address

    st.write(f"page {address.page(3, 'x')}")


@pytest.mark.parametrize(
    ("asked", "shown"),
    [("2", 2), ("003", 3), ("4", 1), ("0", 1), ("x", 1), ("000000001" + "9" * 5000, 1)],
    ids=["2", "003", "4", "0", "x", "endless"],
)
def test_a_page_that_is_not_there_is_the_first(asked: str, shown: int) -> None:
    """However long its number is."""
    app = AppTest.from_function(paged)
    app.query_params["page"] = asked
    app.run()
    assert not app.exception
    assert app.markdown[0].value == f"page {shown}"
