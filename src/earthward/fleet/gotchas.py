"""What breaks on hosts that load, queue and forget, and what the gateway does about it: a page's data."""

_FLEET = "tests/e2e/test_fleet.py::"

GOTCHAS: tuple[tuple[int, str, str, str], ...] = (
    (
        8,
        "The first call after a pause takes 10 to 120 s: an idle model is put out after 5 minutes",
        "Targets with `keep_alive: -1`, or with `warm`, are loaded before anybody asks and kept.",
        _FLEET + "test_what_targets_keep_for_ever_is_loaded_before_anybody_asks",
    ),
    (
        9,
        "A model never finishes loading: a caller's time-out breaks the load off",
        "The gateway asks for the load itself as well, and sees it through whoever leaves.",
        _FLEET + "test_a_load_is_seen_through_though_the_caller_who_set_it_going_has_left",
    ),
    (
        10,
        "Requests hang under load, and no 503 comes: the queue for a loaded model has no end",
        (
            "A host gets as many requests as it has slots. All others wait in the gateway, in a queue that has an end, "
            "and are refused with `retry-after`, or overflow to the next target."
        ),
        _FLEET
        + "test_those_beyond_the_slots_wait_in_the_gateway_and_not_at_the_host "
        + _FLEET
        + "test_a_full_queue_refuses_at_once_and_says_when_to_come_again",
    ),
)
