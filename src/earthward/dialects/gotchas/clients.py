"""What vendors' own clients trip over."""

from earthward.dialects.gotchas.shown import DIALECTS, E2E, HOST, NAMED, ROUTING

GOTCHAS: tuple[tuple[int, str, str, str], ...] = (
    (
        48,
        "404 on the model: `gpt-4o` is not installed",
        "Routes match the name that is asked for; targets have the model's name at their host.",
        ROUTING
        + "match.py::test_models_match_as_globs_over_the_whole_name "
        + HOST
        + "test_gotcha_48_a_vendors_name_for_a_model_is_the_models_own_at_its_host",
    ),
    (
        49,
        "A model with `/` in its name can't be asked about at `/v1/models/`",
        "All that follows is the name.",
        E2E + "ollama_surfaces.py::test_gotcha_49_a_model_with_slashes_in_its_name_can_be_asked_about",
    ),
    (
        50,
        "Claude's clients get a 404 for `count_tokens`, content that is null, no signature, no ping",
        "All of it is served, and the events are in the order that Anthropic's SDK reads.",
        E2E
        + "counts.py::test_the_engine_counts_as_it_will_read "
        + NAMED
        + "test_litellm_33224_a_message_starts_and_stops_once "
        + HOST
        + "test_gotcha_50_claudes_client_gets_counts_content_and_events_in_order",
    ),
    (
        51,
        "The helper for responses crashes: two items at one index",
        "Events are made here, each item with an index of its own, and read so that two at one index are two.",
        DIALECTS
        + "openai_responses_read_stream.py::test_gotcha_51_two_items_at_one_index_are_two_items "
        + HOST
        + "test_gotcha_51_the_helper_for_responses_reads_every_item_at_an_index_of_its_own",
    ),
    (
        63,
        "Google's SDK crashes on comments, `[DONE]` and `event:` lines",
        "Its streams hold none of them; who waits hears blank lines.",
        "tests/gateway/test_heartbeat.py::test_a_heartbeat_is_no_event_for_whoever_reads_the_stream "
        + HOST
        + "test_gotchas_63_and_65_googles_client_gets_bare_events_and_may_spell_as_it_likes",
    ),
    (
        64,
        "Google's SDK asks at `/`",
        "It is told what to set: a project and a location, or a key.",
        E2E + "ollama_surfaces.py::test_gotcha_64_a_request_without_a_path_is_told_what_to_set",
    ),
    (
        65,
        "Fields seem to be missing: some are in camel case, some in snake case",
        "Both are read.",
        DIALECTS
        + "gemini_read_request.py::test_gotcha_65_both_spellings_are_read "
        + HOST
        + "test_gotchas_63_and_65_googles_client_gets_bare_events_and_may_spell_as_it_likes",
    ),
    (
        66,
        "Google's older SDKs speak gRPC",
        (
            'The gateway speaks HTTP alone. Tell them so: `genai.configure(transport="rest", '
            'client_options={"api_endpoint": "http://127.0.0.1:4000"})`, or `api_transport="rest"` in '
            "`vertexai.init`. What they then write as numbers (modes, types, tasks) is read."
        ),
        DIALECTS
        + "gemini_read_request.py::test_gotcha_66_words_may_be_numbers_as_older_sdks_write_them "
        + HOST
        + "test_gotcha_66_words_of_googles_older_sdks_may_be_numbers",
    ),
)
