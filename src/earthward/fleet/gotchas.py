"""What breaks on hosts that load, queue and forget, and what the gateway does about it: a page's data."""

_FLEET = "tests/e2e/test_fleet.py::"
_OWN = "tests/e2e/test_fleet_gotchas.py::"
_TIERS = "tests/e2e/test_tiers.py::"

GOTCHAS: tuple[tuple[int, str, str, str], ...] = (
    (
        8,
        "The first call after a pause takes 10 to 120 s: an idle model is put out after 5 minutes",
        (
            "Targets with `keep_alive: -1`, or with `warm`, are loaded before anybody asks; a rollout's stage begins "
            "when its model is loaded; `/readyz/MODEL` tells whether it is."
        ),
        (
            f"{_FLEET}test_what_targets_keep_for_ever_is_loaded_before_anybody_asks "
            f"{_FLEET}test_a_stage_begins_when_the_candidate_is_loaded_so_that_nobody_waits_for_that "
            f"{_FLEET}test_a_model_is_ready_once_a_host_has_loaded_it"
        ),
    ),
    (
        9,
        "A model never finishes loading: a caller's time-out breaks the load off",
        "The gateway asks for the load itself as well, and sees it through whoever leaves.",
        f"{_FLEET}test_a_load_is_seen_through_though_the_caller_who_set_it_going_has_left",
    ),
    (
        10,
        "Requests hang under load, and no 503 comes: the queue for a loaded model has no end",
        (
            "A host gets as many requests as it has slots. All others wait in the gateway, in a queue that has an end, "
            "and are refused with `retry-after`, or overflow to the next target."
        ),
        (
            f"{_FLEET}test_those_beyond_the_slots_wait_in_the_gateway_and_not_at_the_host "
            f"{_FLEET}test_a_full_queue_refuses_at_once_and_says_when_to_come_again"
        ),
    ),
    (
        11,
        "Sudden storms of 503 (`server busy`): the queue for loads is full",
        "Another host is asked; if all are busy the caller gets a 503 with a `retry-after`, which Ollama never sends.",
        f"{_OWN}test_a_host_that_is_busy_with_loads_is_passed_over_and_alone_says_when_to_come_again",
    ),
    (
        12,
        "A model is loaded again and again: callers ask with different `num_ctx` and other options",
        (
            "One set of options per target; callers' own ones that decide how a model is loaded are left out. Where a "
            "target has several contexts, a host that has more than a request needs is asked for what it has."
        ),
        (
            f"{_OWN}test_callers_who_ask_for_other_options_load_the_model_no_second_time "
            f"{_TIERS}test_a_request_gets_the_least_context_that_holds_it_and_a_host_that_has_more_keeps_it"
        ),
    ),
    (
        13,
        "Two models put each other out of memory",
        "Models are placed on different hosts, and `warmest` sends requests to where their model is.",
        f"{_OWN}test_two_models_asked_for_in_turn_stay_each_on_a_host_of_its_own",
    ),
    (
        14,
        "Half the speed since the context was made larger: layers spilled to the CPU",
        "The log warns and `/api/status` shows the share; `warmest` counts such a host as that much slower.",
        f"{_OWN}test_a_model_that_is_partly_on_the_cpu_is_told_of_and_avoided",
    ),
    (
        15,
        "504 from a proxy after 60 s without a byte",
        (
            "Callers of streams hear something every 15 s, before the first word and between two. Answers that do not "
            "stream can't: raise the proxy's time-out, or stream."
        ),
        f"{_FLEET}test_callers_of_every_dialect_hear_that_a_silent_stream_goes_on_and_their_sdks_read_it",
    ),
    (
        16,
        "SDKs that retry triple the load",
        (
            "Refusals say when to come again (`retry-after`) and whether to (`x-should-retry`), and attempts upstream "
            "have a budget over all requests. The same question asked twice is answered twice: two callers may want "
            "two answers."
        ),
        (
            f"{_FLEET}test_a_total_outage_makes_few_more_attempts_than_requests "
            f"{_FLEET}test_a_full_queue_refuses_at_once_and_says_when_to_come_again"
        ),
    ),
    (
        17,
        "ollama-python waits for ever: it has no time-out",
        "The gateway's own deadlines end the wait with a 504 or another target's answer.",
        f"{_OWN}test_a_caller_without_a_time_out_is_answered_when_the_gateways_own_is_over",
    ),
    (
        18,
        "Agents' later turns are slow: their system text changes each time, so the host reads all of it anew",
        (
            "What a model is told is the application's to decide, so system text is passed on as it is. A conversation "
            "stays at the host that has read it as long as its system text and first message stay the same."
        ),
        "",
    ),
    (
        59,
        "Prompts leave the building: `:cloud` models, and models a host sends on",
        (
            "A model whose name ends so, or that its host says runs elsewhere, counts as cloud, whatever the host. "
            "Callers' keys reach no provider they were not meant for. Of what a host does with web-search tools "
            "nothing is seen: set `OLLAMA_NO_CLOUD=1` there."
        ),
        (
            "tests/e2e/test_cloud_by_another_name.py::"
            "test_what_must_stay_does_not_go_to_a_model_that_its_host_sends_on_to_a_cloud "
            "tests/e2e/test_passthrough.py::test_a_callers_key_goes_to_its_vendor_and_nowhere_else"
        ),
    ),
    (
        60,
        "403 behind a proxy, and browsers' preflights fail: Ollama checks Host and Origin",
        "A host is called by its own name and never sees an Origin; the gateway answers preflights (`cors`).",
        (
            f"{_OWN}test_a_host_is_called_by_its_own_name_and_never_sees_where_a_page_came_from "
            f"{_OWN}test_a_preflight_for_headers_that_ollama_forbids_is_answered_by_the_gateway"
        ),
    ),
    (
        61,
        "The model changed overnight: a tag was pulled anew",
        "The log warns when what a name stands for changes at a host or differs; a rollout with it begins anew.",
        "tests/control/test_control_fleet.py::test_a_model_that_was_pulled_anew_or_differs_between_hosts_is_told_of",
    ),
    (
        62,
        "A spent quota of Ollama's cloud looks like a rate limit",
        "`usage limit` is no rate limit: it is not tried again there, and the next target is asked.",
        f"{_OWN}test_a_spent_quota_of_ollamas_cloud_is_not_tried_again_but_elsewhere",
    ),
)
