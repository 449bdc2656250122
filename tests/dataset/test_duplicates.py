import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from pilah.dataset.duplicates import NEAR_BITS, find_originals, group_near

HASHES = st.integers(0, 2**64 - 1)


def test_the_first_by_name_is_the_original():
    paths = pd.Series(["/c", "/a", "/b", "/d"])
    pixels = pd.Series([b"x", b"y", b"x", b"x"])
    assert find_originals(paths, pixels).tolist() == ["/b", "", "", "/b"]


@given(HASHES, st.sets(st.integers(0, 63), max_size=NEAR_BITS + 1), st.lists(HASHES, max_size=20))
def test_hashes_are_linked_exactly_when_few_bits_differ(look, flipped, others):
    near = look ^ sum(1 << bit for bit in flipped)
    # Only hashes far from both, so that no chain links them.
    others = [
        h for h in others if min((h ^ look).bit_count(), (h ^ near).bit_count()) > 2 * NEAR_BITS
    ]
    groups = group_near(np.array([look, near, *others], dtype=np.uint64))
    assert (groups[0] == groups[1]) == (len(flipped) <= NEAR_BITS)
    assert groups[0] not in groups[2:]


def test_links_chain():
    looks = np.array([0b0, 0b111, 0b111111, 2**63 - 1], dtype=np.uint64)
    assert len(set(group_near(looks)[:3])) == 1
    assert group_near(looks)[3] != group_near(looks)[0]
