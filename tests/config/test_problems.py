from earthward.config.problems import MOST_SHOWN, ConfigErrors, Problem, unknown


def test_problems_are_told_once_and_in_the_order_of_the_file() -> None:
    second, first = Problem("f", 10, 2, "b"), Problem("f", 9, 5, "a")
    errors = ConfigErrors([second, first, second])
    assert errors.problems == [first, second]
    assert str(errors) == "f:9:5: a\nf:10:2: b"


def test_a_problem_of_the_whole_file_has_no_line() -> None:
    assert str(Problem("f", 0, 0, "is empty")) == "f: is empty"


def test_very_many_problems_are_counted_rather_than_shown() -> None:
    lines = str(ConfigErrors([Problem("f", line, 1, "x") for line in range(1, MOST_SHOWN + 51)])).splitlines()
    assert len(lines) == MOST_SHOWN + 1
    assert lines[-1] == "... and 50 more"


def test_an_unknown_name_comes_with_the_nearest_and_the_known_ones() -> None:
    assert unknown("key", "routs", ["routes", "targets"]) == (
        "unknown key `routs`, did you mean `routes`? Known: routes, targets"
    )
    assert unknown("key", "ROUTES", ["routes"]) == "unknown key `ROUTES`, did you mean `routes`? Known: routes"
    assert unknown("key", "xyz", ["routes"]) == "unknown key `xyz`. Known: routes"
    assert unknown("target", "x", []) == "unknown target `x`: there is none"


def test_a_long_list_of_names_is_cut() -> None:
    assert unknown("target", "x", [f"t{number:03}" for number in range(100)]).endswith("t029 and 70 more")


def test_what_is_shown_is_short_and_on_one_line() -> None:
    message = unknown("key", "a\nb" + "x" * 1000, ["c"])
    assert "\n" not in message
    assert len(message) < 120
