"""What is said to the model: roles, pictures, documents, turns, options."""

from earthward.dialects.gotchas.shown import DIALECTS, E2E, FORMS, HOST, OPENAI, WRITE

GOTCHAS: tuple[tuple[int, str, str, str], ...] = (
    (
        31,
        "The system prompt is ignored: its role is `developer`",
        "`developer` becomes `system`.",
        WRITE + "test_developer_is_system " + HOST + "test_gotcha_31_a_developer_is_the_system",
    ),
    (
        32,
        "Images are refused, or are no legal base64",
        (
            "Data URLs and URL-safe base64 become what Ollama takes. An address is refused with the way out, or "
            "fetched from hosts that `fetch_from` names."
        ),
        WRITE
        + "test_images_are_bare_standard_base64 "
        + DIALECTS
        + "ollama_read_request.py::test_url_safe_base64_is_made_standard "
        + HOST
        + "test_gotcha_32_pictures_are_bare_standard_base64",
    ),
    (
        33,
        "Documents vanish",
        (
            "One that is text is said; any other is refused with a 400 that names the place, or goes to a target that "
            "reads it."
        ),
        WRITE
        + "test_content_ollama_cannot_take_is_refused_with_the_place_and_the_way_out "
        + FORMS
        + "test_gotcha_33_a_document_that_is_text_is_said_and_any_other_refused",
    ),
    (
        34,
        "A chat by OpenAI's responses forgets everything",
        (
            "With a `content_key` responses are kept, and the target gets the whole conversation; without, "
            "`previous_response_id` is refused."
        ),
        E2E + "stored_responses.py::test_a_conversation_goes_on_from_a_response_that_is_kept",
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
        WRITE
        + "test_neighbours_of_one_role_become_one_message "
        + HOST
        + "test_gotchas_25_26_and_36_history_is_mended_and_results_stay_with_their_calls",
    ),
    (
        37,
        "The same model has another style by `/v1` than by `/api`",
        (
            "All go by Ollama's own API, which forces nothing: the model's own values hold unless the caller states "
            "others."
        ),
        OPENAI
        + "test_an_openai_request_arrives_at_ollama "
        + HOST
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
)
