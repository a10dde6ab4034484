"""What breaks in requests, answers, errors, counts and vectors when applications move to Ollama: a page's data.

Each has its number, what people meet, what the gateway does about it, and the tests that show it, parted by spaces;
without a test it is not handled, and the text says why.
"""

_WRITE = "tests/dialects/test_ollama_write_request.py::"
_STREAM = "tests/dialects/test_ollama_read_stream.py::"
_NAMED = "tests/e2e/test_named_regressions.py::"
_OPENAI = "tests/dialects/test_ollama_with_openai.py::"
_DIALECTS = "tests/dialects/test_"
_ROUTING = "tests/routing/test_"
_E2E = "tests/e2e/test_"
_FORMS = _E2E + "ollama_calls_and_forms.py::"
_HOST = _E2E + "ollama_gotchas.py::"
"""On a simulated host."""

GOTCHAS: tuple[tuple[int, str, str, str], ...] = (
    (
        1,
        "Long prompts are forgotten, and answers from documents get worse: what is too long is cut without a word",
        (
            "An Ollama is asked by its own API, never to cut, and with the target's `context`. What is too long is "
            "refused in the caller's words; a host that has cut a prompt all the same is found out by its own count."
        ),
        _WRITE
        + "test_requests_that_differ_load_the_model_in_the_same_way "
        + _E2E
        + "fleet.py::test_an_answer_to_a_prompt_that_the_host_has_cut_is_a_failure_and_on_record",
    ),
    (
        2,
        "`num_ctx` sent through OpenAI's SDK has no effect",
        "The target's `context` is sent as `num_ctx` with every request, whatever the caller's API.",
        _WRITE
        + "test_requests_that_differ_load_the_model_in_the_same_way "
        + _HOST
        + "test_gotchas_2_3_and_7_the_context_is_the_targets_and_nothing_is_cut_or_shifted",
    ),
    (
        3,
        "It works on one machine with a GPU, and another one cuts: the context follows the memory there is",
        (
            "A target's `context` is the same at every host; `earthward doctor` notes a target at an Ollama that has "
            "none."
        ),
        "tests/probe/test_ollama_hosts.py::test_a_target_without_context_is_worth_a_note "
        + _HOST
        + "test_gotchas_2_3_and_7_the_context_is_the_targets_and_nothing_is_cut_or_shifted",
    ),
    (
        4,
        "A model writes on and on: `max_completion_tokens` is ignored",
        (
            "`max_completion_tokens`, `max_tokens` and `max_output_tokens` become `num_predict`. A request that "
            "states none ends with its route's deadline, and with its caller: who leaves ends the answer."
        ),
        _WRITE
        + "test_every_option_has_its_place "
        + _HOST
        + "test_gotcha_4_every_word_for_the_longest_answer_is_heard",
    ),
    (
        5,
        "An answer ends with `length` and is empty: the model thought all the while",
        (
            "A model of which its host says that it can think, and can be stopped, thinks when it is asked to and not "
            "before: `think: false` is sent where the caller says nothing. Of others only what was asked is said. "
            "An answer that was cut says `length`."
        ),
        _DIALECTS
        + "ollama_think.py::test_thinking_is_on_off_or_a_level_as_the_model_takes_it "
        + _HOST
        + "test_gotcha_5_a_model_thinks_when_it_is_asked_to_and_not_before",
    ),
    (
        6,
        "Stop strings make a model run on: those of a request take the place of its Modelfile's",
        (
            "The model's own are added to those of the request, as soon as its hosts have shown them (`/api/show`). "
            "Who calls by Ollama's own API means to replace them, and does."
        ),
        _WRITE
        + "test_stop_strings_join_those_of_the_modelfile "
        + _E2E
        + "capabilities.py::test_gotcha_6_a_callers_stop_strings_leave_the_models_own_in_force",
    ),
    (
        7,
        "An answer goes on and loses the thread: what came first is shifted out of the context",
        "`shift: false` is sent with every request, always, since it belongs to how a model is loaded.",
        _WRITE
        + "test_requests_that_differ_load_the_model_in_the_same_way "
        + _HOST
        + "test_gotchas_2_3_and_7_the_context_is_the_targets_and_nothing_is_cut_or_shifted",
    ),
    (
        19,
        "`tool_choice` has no effect",
        (
            "Where an engine does not see to it, the tools are told in words and the answer is held to a schema that "
            "leaves the call no way out."
        ),
        _DIALECTS
        + "content_tools_in_words.py::test_gotcha_19_words_are_needed_where_the_engine_does_not_do_it "
        + _FORMS
        + "test_gotcha_19_a_call_that_must_be_made_leaves_the_host_no_other_way_to_answer "
        + _E2E
        + "tools_in_words.py::test_openais_sdk_gets_a_call_whole_and_streamed",
    ),
    (
        20,
        "A call of a tool arrives as text",
        (
            "Text that is exactly one call of an offered tool, or a list of them, becomes that call, streamed too; "
            "anything more or less stays text. So for callers of all dialects but Ollama's own."
        ),
        _FORMS
        + "test_gotcha_20_a_call_that_arrives_as_text_is_a_call "
        + _DIALECTS
        + "content_calls.py::test_gotcha_20_a_call_that_arrived_as_text_is_a_call_in_a_stream_cut_anywhere",
    ),
    (
        21,
        "The model invents arguments: `$ref`, `oneOf`, bounds and defaults are dropped from the schema",
        (
            "References are put in place and limits said in descriptions, which Ollama keeps; in answers that do not "
            "stream calls are checked against the tool's own schema, and asked for once more."
        ),
        _DIALECTS
        + "ollama_schemas.py::test_what_is_lost_otherwise_is_said_in_words_that_are_kept "
        + _FORMS
        + "test_gotcha_21_the_host_is_told_what_its_templates_lose "
        + _FORMS
        + "test_gotcha_21_arguments_that_do_not_match_are_asked_for_again",
    ),
    (
        22,
        "Parallel calls are merged into garbage: all have index 0",
        "Calls are numbered anew.",
        _STREAM
        + "test_calls_that_all_have_index_zero_stay_apart "
        + _HOST
        + "test_gotchas_22_23_and_24_calls_come_whole_numbered_and_are_why_the_answer_ends",
    ),
    (
        23,
        "`finish_reason` is `stop` though tools were called",
        "Whether a tool was called is remembered over the stream, and is the reason it ends.",
        _STREAM
        + "test_a_stream_that_calls_tools_ends_with_tool_calls "
        + _NAMED
        + "test_litellm_35663_a_stream_of_calls_says_that_it_ends_in_calls "
        + _HOST
        + "test_gotchas_22_23_and_24_calls_come_whole_numbered_and_are_why_the_answer_ends",
    ),
    (
        24,
        "Arguments come in no fragments",
        "A call that comes whole is told whole, in the events that each SDK puts together; nobody waits for more.",
        _OPENAI
        + "test_an_ollama_stream_arrives_at_an_openai_client "
        + _HOST
        + "test_gotchas_22_23_and_24_calls_come_whole_numbered_and_are_why_the_answer_ends",
    ),
    (
        25,
        "History that is sent again is refused: empty arguments, content that is null, refusals",
        "Arguments that are no object ride along in one, what is null is left out, a refusal is the text it was.",
        _WRITE
        + "test_arguments_that_are_no_object_ride_along_in_one "
        + _NAMED
        + "test_litellm_25321_a_call_without_arguments_is_a_call "
        + _HOST
        + "test_gotchas_25_26_and_36_history_is_mended_and_results_stay_with_their_calls",
    ),
    (
        26,
        "A tool's result is not linked to its call",
        "Each result carries the name and the id of its call.",
        _WRITE
        + "test_calls_and_results_are_linked_by_name_and_id "
        + _NAMED
        + "test_litellm_26094_each_result_stays_with_its_call "
        + _HOST
        + "test_gotchas_25_26_and_36_history_is_mended_and_results_stay_with_their_calls",
    ),
    (
        27,
        "An agent's run ends in a 500: one call that can't be parsed fails the whole answer",
        (
            "That is a failure of the target: the next one of the route is asked, as long as the caller has seen "
            "nothing."
        ),
        _E2E
        + "fallback.py::test_a_candidate_that_fails_is_rescued_by_the_baseline "
        + _HOST
        + "test_gotchas_27_and_44_an_answer_that_fails_or_breaks_off_is_the_next_targets",
    ),
    (
        28,
        "400: the model does not support tools",
        "A request goes to targets that have the `abilities` it takes; why others were left out is explained.",
        _ROUTING + "plan.py::test_a_target_that_is_not_able_is_left_out_with_the_reason",
    ),
    (
        29,
        "Ollama's own client drops the ids of calls",
        "Results without ids answer the calls of their name, in order.",
        _DIALECTS
        + "ollama_read_request.py::test_results_without_ids_answer_the_calls_of_their_name_in_order "
        + _HOST
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
        _WRITE
        + "test_a_schema_for_the_answer_yields_to_tools_since_it_forbids_their_calls "
        + _HOST
        + "test_gotcha_30_a_schema_yields_to_tools_until_there_is_an_answer",
    ),
    (
        31,
        "The system prompt is ignored: its role is `developer`",
        "`developer` becomes `system`.",
        _WRITE + "test_developer_is_system " + _HOST + "test_gotcha_31_a_developer_is_the_system",
    ),
    (
        32,
        "Images are refused, or are no legal base64",
        (
            "Data URLs and URL-safe base64 become what Ollama takes. An address is refused with the way out, or "
            "fetched from hosts that `fetch_from` names."
        ),
        _WRITE
        + "test_images_are_bare_standard_base64 "
        + _DIALECTS
        + "ollama_read_request.py::test_url_safe_base64_is_made_standard "
        + _HOST
        + "test_gotcha_32_pictures_are_bare_standard_base64",
    ),
    (
        33,
        "Documents vanish",
        (
            "One that is text is said; any other is refused with a 400 that names the place, or goes to a target that "
            "reads it."
        ),
        _WRITE
        + "test_content_ollama_cannot_take_is_refused_with_the_place_and_the_way_out "
        + _FORMS
        + "test_gotcha_33_a_document_that_is_text_is_said_and_any_other_refused",
    ),
    (
        34,
        "A chat by OpenAI's responses forgets everything",
        (
            "With a `content_key` responses are kept, and the target gets the whole conversation; without, "
            "`previous_response_id` is refused."
        ),
        _E2E + "stored_responses.py::test_a_conversation_goes_on_from_a_response_that_is_kept",
    ),
    (
        35,
        "A Modelfile's SYSTEM and MESSAGE come back",
        (
            "Whoever made the model wanted them, so they are left; `earthward doctor` notes a target whose model has "
            "any. A system message of the request's own takes the place of SYSTEM, nothing that of MESSAGE: name the "
            "model that it was made from."
        ),
        "tests/probe/test_ollama_hosts.py::test_what_a_model_says_unasked_is_worth_a_note",
    ),
    (
        36,
        "Two turns of one role in a row",
        "Neighbours of one role become one message, and parts of text one string.",
        _WRITE
        + "test_neighbours_of_one_role_become_one_message "
        + _HOST
        + "test_gotchas_25_26_and_36_history_is_mended_and_results_stay_with_their_calls",
    ),
    (
        37,
        "The same model has another style by `/v1` than by `/api`",
        (
            "All go by Ollama's own API, which forces nothing: the model's own values hold unless the caller states "
            "others."
        ),
        _OPENAI
        + "test_an_openai_request_arrives_at_ollama "
        + _HOST
        + "test_gotcha_37_nothing_is_forced_that_nobody_said",
    ),
    (
        38,
        "A seed gives no equal answers",
        (
            "It can't be mended from outside: an engine's numbers differ with what is in its cache and in the same "
            "batch. The seed is passed on, and OpenAI promises no more than its best for it either. For answers that "
            "are nearly always equal set `temperature: 0` and give the host one slot (`slots: 1`); in tests compare "
            "by scores, not by words."
        ),
        "",
    ),
    (
        39,
        "JSON mode rambles, or loops on white space: only the grammar knows of it",
        "The model is told in words as well, with the schema.",
        _DIALECTS
        + "ollama_output.py::test_the_schema_is_said_to_the_model "
        + _DIALECTS
        + "ollama_output.py::test_any_json_is_asked_for_in_words "
        + _HOST
        + "test_gotchas_39_and_41_a_form_is_asked_for_from_every_dialect_and_said_in_words",
    ),
    (
        40,
        "A schema is ignored",
        (
            "The form is told in the prompt too. Answers that do not stream are checked against what was asked for, "
            "and asked for once more; a second one without the form is an error, `wrong_form`."
        ),
        _FORMS + "test_gotcha_40_an_answer_without_the_form_is_asked_for_again_and_then_a_failure",
    ),
    (
        41,
        "`json_object` in OpenAI's responses is ignored",
        "It becomes Ollama's `format`, from every dialect.",
        _WRITE
        + "test_a_format_is_sent "
        + _HOST
        + "test_gotchas_39_and_41_a_form_is_asked_for_from_every_dialect_and_said_in_words",
    ),
    (
        42,
        "`logprobs`, `n` and `logit_bias` are missing",
        (
            "Several answers are asked for one after the other, at most 8; `logprobs` are passed on, and told where "
            "the host tells them. What can't be said is refused by name where it carries content, and named among "
            "what was dropped where it tunes, as `logit_bias` is."
        ),
        "tests/gateway/test_rounds.py::test_gotcha_42_several_answers_are_asked_for_one_by_one "
        + _WRITE
        + "test_what_carries_content_is_refused_by_name "
        + _WRITE
        + "test_what_only_tunes_is_dropped_and_named",
    ),
    (
        43,
        "The thoughts are in `reasoning`, not in `reasoning_content`",
        "They are heard under each engine's name for them, and told in the caller's dialect.",
        _DIALECTS
        + "content_engines.py::test_gotcha_43_thinking_is_heard_under_every_engines_name_for_it "
        + _HOST
        + "test_gotcha_43_thoughts_are_told_in_each_callers_words",
    ),
    (
        44,
        "Answers that broke off count as whole",
        (
            "Without the event that ends it a stream is a failure: the next target is asked if nothing was shown, "
            "else the caller gets an error."
        ),
        _STREAM
        + "test_a_stream_without_its_last_line_is_broken_whatever_came_before "
        + _HOST
        + "test_gotcha_44_an_answer_that_broke_off_after_it_began_is_an_error_and_no_end",
    ),
    (
        45,
        "An error is JSON inside JSON",
        "It is unpacked, and a context that is too long is told in each vendor's own words.",
        _DIALECTS
        + "ollama_errors.py::test_json_inside_the_text_is_unpacked "
        + _HOST
        + "test_gotchas_45_and_46_errors_have_the_status_and_code_of_the_callers_vendor",
    ),
    (
        46,
        "`e.code` is None, and what hangs on it fails",
        "Every failure has the status, type and code that the caller's vendor would give.",
        _OPENAI
        + "test_a_context_that_is_too_long_is_told_in_openai_s_words "
        + _OPENAI
        + "test_a_missing_model_is_told_in_openai_s_words "
        + _HOST
        + "test_gotchas_45_and_46_errors_have_the_status_and_code_of_the_callers_vendor",
    ),
    (
        47,
        "A crash while embedding is called a bad request",
        "The words decide: what is a crash counts as one, and what is at fault stays so and is not tried again.",
        _DIALECTS + "ollama_errors.py::test_gotcha_47_a_crash_that_is_called_a_bad_request_is_a_crash",
    ),
    (
        48,
        "404 on the model: `gpt-4o` is not installed",
        "Routes match the name that is asked for; targets have the model's name at their host.",
        _ROUTING
        + "match.py::test_models_match_as_globs_over_the_whole_name "
        + _HOST
        + "test_gotcha_48_a_vendors_name_for_a_model_is_the_models_own_at_its_host",
    ),
    (
        49,
        "A model with `/` in its name can't be asked about at `/v1/models/`",
        "All that follows is the name.",
        _E2E + "ollama_surfaces.py::test_gotcha_49_a_model_with_slashes_in_its_name_can_be_asked_about",
    ),
    (
        50,
        "Claude's clients get a 404 for `count_tokens`, content that is null, no signature, no ping",
        "All of it is served, and the events are in the order that Anthropic's SDK reads.",
        _E2E
        + "counts.py::test_the_engine_counts_as_it_will_read "
        + _NAMED
        + "test_litellm_33224_a_message_starts_and_stops_once "
        + _HOST
        + "test_gotcha_50_claudes_client_gets_counts_content_and_events_in_order",
    ),
    (
        51,
        "The helper for responses crashes: two items at one index",
        "Events are made here, each item with an index of its own, and read so that two at one index are two.",
        _DIALECTS
        + "openai_responses_read_stream.py::test_gotcha_51_two_items_at_one_index_are_two_items "
        + _HOST
        + "test_gotcha_51_the_helper_for_responses_reads_every_item_at_an_index_of_its_own",
    ),
    (
        52,
        "Comparing costs is off by 10 to 30 %: tokenizers differ",
        "Characters are on record beside tokens, and what the cloud would have cost is estimated from them.",
        "tests/cost/test_counterfactual.py::test_the_clouds_tokens_are_estimated_from_characters",
    ),
    (
        53,
        "Counts are 0 or too low",
        "What is missing is unknown, never zero, and marked as an estimate where it had to be estimated.",
        _DIALECTS
        + "ollama_answer.py::test_gotcha_53_counts_that_are_missing_are_unknown_and_not_zero "
        + _DIALECTS
        + "ollama_write_stream.py::test_what_is_not_known_is_left_out",
    ),
    (
        54,
        "Cached tokens are always 0",
        (
            "What a host tells (`prompt_eval_cached_count`, since late 2026) is told in the caller's words and is on "
            "record. Older hosts tell nothing: there it is left out, and unknown, not zero."
        ),
        _E2E
        + "capabilities.py::"
        + "test_gotcha_54_what_a_host_tells_of_its_cache_is_told_and_what_it_does_not_tell_is_no_zero",
    ),
    (
        55,
        "Vectors have other lengths: 1536 here, 768 there",
        ("A route that leads to two models that give vectors is refused when it is read, with how to move an index."),
        "tests/config/test_vectors.py::test_two_models_on_one_route_are_refused_at_the_second_by_name",
    ),
    (
        56,
        ("Search gets worse without an error: vectors of two models, texts that were cut, prefixes that are missing"),
        (
            "Texts are not cut unasked, and models are not mixed. A model's prefixes, such as `search_query: `, are "
            "the application's to write."
        ),
        _DIALECTS
        + "embeddings.py::test_gotcha_56_texts_are_not_cut_by_ollama_unless_the_caller_said_so "
        + _HOST
        + "test_gotchas_55_and_56_vectors_are_of_one_model_and_texts_are_not_cut",
    ),
    (
        57,
        "400 though cutting is on: dense text, or more than a batch",
        (
            "Both are told as what they are, in the caller's words: the text is too long (400, "
            "`context_length_exceeded`), as OpenAI says it of its own models. Texts are not split or shortened here: "
            "the index would know less than was sent. Send shorter pieces, or give the model a larger `num_batch` in "
            "its Modelfile."
        ),
        _DIALECTS
        + "ollama_errors.py::test_gotcha_57_a_text_that_fits_into_no_batch_is_too_long "
        + _E2E
        + "embeddings.py::test_gotcha_57_a_text_that_fits_into_no_batch_is_too_long_in_the_callers_words",
    ),
    (
        58,
        "Tokens as numbers are refused",
        ("Between two who speak OpenAI's API they pass; elsewhere they are refused with the setting that sends text."),
        _E2E
        + "embeddings.py::test_between_two_who_speak_the_same_tokens_pass_as_numbers "
        + _E2E
        + "embeddings.py::test_tokens_as_numbers_are_refused_where_another_model_would_read_them",
    ),
    (
        63,
        "Google's SDK crashes on comments, `[DONE]` and `event:` lines",
        "Its streams hold none of them; who waits hears blank lines.",
        "tests/gateway/test_heartbeat.py::test_a_heartbeat_is_no_event_for_whoever_reads_the_stream "
        + _HOST
        + "test_gotchas_63_and_65_googles_client_gets_bare_events_and_may_spell_as_it_likes",
    ),
    (
        64,
        "Google's SDK asks at `/`",
        "It is told what to set: a project and a location, or a key.",
        _E2E + "ollama_surfaces.py::test_gotcha_64_a_request_without_a_path_is_told_what_to_set",
    ),
    (
        65,
        "Fields seem to be missing: some are in camel case, some in snake case",
        "Both are read.",
        _DIALECTS
        + "gemini_read_request.py::test_gotcha_65_both_spellings_are_read "
        + _HOST
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
        _DIALECTS
        + "gemini_read_request.py::test_gotcha_66_words_may_be_numbers_as_older_sdks_write_them "
        + _HOST
        + "test_gotcha_66_words_of_googles_older_sdks_may_be_numbers",
    ),
)
