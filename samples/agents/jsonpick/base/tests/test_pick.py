from jsonpick import pick


def test_picks_every_value():
    assert pick(".[].name", [{"name": "a"}, {"name": "b"}]) == ["a", "b"]
