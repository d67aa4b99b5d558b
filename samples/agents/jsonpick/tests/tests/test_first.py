from jsonpick import first


def test_first_of_many():
    assert first(".[]", [3, 2, 1]) == 3


def test_default_when_nothing_is_found():
    assert first(".[] | select(. > 5)", [3, 2, 1], default=0) == 0
