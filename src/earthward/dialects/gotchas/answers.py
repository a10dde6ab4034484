"""Forms of answers, thoughts, and errors."""

from earthward.dialects.gotchas.shown import DIALECTS, FORMS, HOST, OPENAI, STREAM, WRITE

GOTCHAS: tuple[tuple[int, str, str, str], ...] = (
    (
        39,
        "JSON mode rambles, or loops on white space: only the grammar knows of it",
        "The model is told in words as well, with the schema.",
        DIALECTS
        + "ollama_output.py::test_the_schema_is_said_to_the_model "
        + DIALECTS
        + "ollama_output.py::test_any_json_is_asked_for_in_words "
        + HOST
        + "test_gotchas_39_and_41_a_form_is_asked_for_from_every_dialect_and_said_in_words",
    ),
    (
        40,
        "A schema is ignored",
        (
            "The form is told in the prompt too. Answers that do not stream are checked against what was asked for, "
            "and asked for once more; a second one without the form is an error, `wrong_form`."
        ),
        FORMS + "test_gotcha_40_an_answer_without_the_form_is_asked_for_again_and_then_a_failure",
    ),
    (
        41,
        "`json_object` in OpenAI's responses is ignored",
        "It becomes Ollama's `format`, from every dialect.",
        WRITE
        + "test_a_format_is_sent "
        + HOST
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
        + WRITE
        + "test_what_carries_content_is_refused_by_name "
        + WRITE
        + "test_what_only_tunes_is_dropped_and_named",
    ),
    (
        43,
        "The thoughts are in `reasoning`, not in `reasoning_content`",
        "They are heard under each engine's name for them, and told in the caller's dialect.",
        DIALECTS
        + "content_engines.py::test_gotcha_43_thinking_is_heard_under_every_engines_name_for_it "
        + HOST
        + "test_gotcha_43_thoughts_are_told_in_each_callers_words",
    ),
    (
        44,
        "Answers that broke off count as whole",
        (
            "Without the event that ends it a stream is a failure: the next target is asked if nothing was shown, "
            "else the caller gets an error."
        ),
        STREAM
        + "test_a_stream_without_its_last_line_is_broken_whatever_came_before "
        + HOST
        + "test_gotcha_44_an_answer_that_broke_off_after_it_began_is_an_error_and_no_end",
    ),
    (
        45,
        "An error is JSON inside JSON",
        "It is unpacked, and a context that is too long is told in each vendor's own words.",
        DIALECTS
        + "ollama_errors.py::test_json_inside_the_text_is_unpacked "
        + HOST
        + "test_gotchas_45_and_46_errors_have_the_status_and_code_of_the_callers_vendor",
    ),
    (
        46,
        "`e.code` is None, and what hangs on it fails",
        "Every failure has the status, type and code that the caller's vendor would give.",
        OPENAI
        + "test_a_context_that_is_too_long_is_told_in_openai_s_words "
        + OPENAI
        + "test_a_missing_model_is_told_in_openai_s_words "
        + HOST
        + "test_gotchas_45_and_46_errors_have_the_status_and_code_of_the_callers_vendor",
    ),
    (
        47,
        "A crash while embedding is called a bad request",
        "The words decide: what is a crash counts as one, and what is at fault stays so and is not tried again.",
        DIALECTS + "ollama_errors.py::test_gotcha_47_a_crash_that_is_called_a_bad_request_is_a_crash",
    ),
)
