"""Tools, their calls and what comes of them."""

from earthward.dialects.gotchas.shown import DIALECTS, E2E, FORMS, HOST, NAMED, OPENAI, ROUTING, STREAM, WRITE

GOTCHAS: tuple[tuple[int, str, str, str], ...] = (
    (
        19,
        "`tool_choice` has no effect",
        (
            "Where an engine does not see to it, the tools are told in words and the answer is held to a schema that "
            "leaves the call no way out."
        ),
        DIALECTS
        + "content_tools_in_words.py::test_gotcha_19_words_are_needed_where_the_engine_does_not_do_it "
        + FORMS
        + "test_gotcha_19_a_call_that_must_be_made_leaves_the_host_no_other_way_to_answer "
        + E2E
        + "tools_in_words.py::test_openais_sdk_gets_a_call_whole_and_streamed",
    ),
    (
        20,
        "A call of a tool arrives as text",
        (
            "Text that is exactly one call of an offered tool, or a list of them, becomes that call, streamed too; "
            "anything more or less stays text. So for callers of all dialects but Ollama's own."
        ),
        FORMS
        + "test_gotcha_20_a_call_that_arrives_as_text_is_a_call "
        + DIALECTS
        + "content_calls.py::test_gotcha_20_a_call_that_arrived_as_text_is_a_call_in_a_stream_cut_anywhere",
    ),
    (
        21,
        "The model invents arguments: `$ref`, `oneOf`, bounds and defaults are dropped from the schema",
        (
            "References are put in place and limits said in descriptions, which Ollama keeps; in answers that do not "
            "stream calls are checked against the tool's own schema, and asked for once more."
        ),
        DIALECTS
        + "ollama_schemas.py::test_what_is_lost_otherwise_is_said_in_words_that_are_kept "
        + FORMS
        + "test_gotcha_21_the_host_is_told_what_its_templates_lose "
        + FORMS
        + "test_gotcha_21_arguments_that_do_not_match_are_asked_for_again",
    ),
    (
        22,
        "Parallel calls are merged into garbage: all have index 0",
        "Calls are numbered anew.",
        STREAM
        + "test_calls_that_all_have_index_zero_stay_apart "
        + HOST
        + "test_gotchas_22_23_and_24_calls_come_whole_numbered_and_are_why_the_answer_ends",
    ),
    (
        23,
        "`finish_reason` is `stop` though tools were called",
        "Whether a tool was called is remembered over the stream, and is the reason it ends.",
        STREAM
        + "test_a_stream_that_calls_tools_ends_with_tool_calls "
        + NAMED
        + "test_litellm_35663_a_stream_of_calls_says_that_it_ends_in_calls "
        + HOST
        + "test_gotchas_22_23_and_24_calls_come_whole_numbered_and_are_why_the_answer_ends",
    ),
    (
        24,
        "Arguments come in no fragments",
        "A call that comes whole is told whole, in the events that each SDK puts together; nobody waits for more.",
        OPENAI
        + "test_an_ollama_stream_arrives_at_an_openai_client "
        + HOST
        + "test_gotchas_22_23_and_24_calls_come_whole_numbered_and_are_why_the_answer_ends",
    ),
    (
        25,
        "History that is sent again is refused: empty arguments, content that is null, refusals",
        "Arguments that are no object ride along in one, what is null is left out, a refusal is the text it was.",
        WRITE
        + "test_arguments_that_are_no_object_ride_along_in_one "
        + NAMED
        + "test_litellm_25321_a_call_without_arguments_is_a_call "
        + HOST
        + "test_gotchas_25_26_and_36_history_is_mended_and_results_stay_with_their_calls",
    ),
    (
        26,
        "A tool's result is not linked to its call",
        "Each result carries the name and the id of its call.",
        WRITE
        + "test_calls_and_results_are_linked_by_name_and_id "
        + NAMED
        + "test_litellm_26094_each_result_stays_with_its_call "
        + HOST
        + "test_gotchas_25_26_and_36_history_is_mended_and_results_stay_with_their_calls",
    ),
    (
        27,
        "An agent's run ends in a 500: one call that can't be parsed fails the whole answer",
        (
            "That is a failure of the target: the next one of the route is asked, as long as the caller has seen "
            "nothing."
        ),
        E2E
        + "fallback.py::test_a_candidate_that_fails_is_rescued_by_the_baseline "
        + HOST
        + "test_gotchas_27_and_44_an_answer_that_fails_or_breaks_off_is_the_next_targets",
    ),
    (
        28,
        "400: the model does not support tools",
        "A request goes to targets that have the `abilities` it takes; why others were left out is explained.",
        ROUTING + "plan.py::test_a_target_that_is_not_able_is_left_out_with_the_reason",
    ),
    (
        29,
        "Ollama's own client drops the ids of calls",
        "Results without ids answer the calls of their name, in order.",
        DIALECTS
        + "ollama_read_request.py::test_results_without_ids_answer_the_calls_of_their_name_in_order "
        + HOST
        + "test_gotcha_29_ollamas_own_client_goes_on_without_the_ids_of_calls",
    ),
    (
        30,
        "Tools stop working beside a JSON schema, whose grammar forbids the call",
        (
            "While tools are offered the schema is told in words alone, and named among what was dropped. An answer "
            "that does not stream, is no call and has not the form is asked for once more, with the schema and no "
            "tools."
        ),
        WRITE
        + "test_a_schema_for_the_answer_yields_to_tools_since_it_forbids_their_calls "
        + HOST
        + "test_gotcha_30_a_schema_yields_to_tools_until_there_is_an_answer",
    ),
)
