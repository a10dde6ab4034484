"""Counts of tokens, and vectors."""

from earthward.dialects.gotchas.shown import DIALECTS, E2E, HOST

GOTCHAS: tuple[tuple[int, str, str, str], ...] = (
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
        DIALECTS
        + "ollama_answer.py::test_gotcha_53_counts_that_are_missing_are_unknown_and_not_zero "
        + DIALECTS
        + "ollama_write_stream.py::test_what_is_not_known_is_left_out",
    ),
    (
        54,
        "Cached tokens are always 0",
        (
            "What a host tells (`prompt_eval_cached_count`, since late 2026) is told in the caller's words and is on "
            "record. Older hosts tell nothing: there it is left out, and unknown, not zero."
        ),
        E2E
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
        DIALECTS
        + "embeddings.py::test_gotcha_56_texts_are_not_cut_by_ollama_unless_the_caller_said_so "
        + HOST
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
        DIALECTS
        + "ollama_errors.py::test_gotcha_57_a_text_that_fits_into_no_batch_is_too_long "
        + E2E
        + "embeddings.py::test_gotcha_57_a_text_that_fits_into_no_batch_is_too_long_in_the_callers_words",
    ),
    (
        58,
        "Tokens as numbers are refused",
        ("Between two who speak OpenAI's API they pass; elsewhere they are refused with the setting that sends text."),
        E2E
        + "embeddings.py::test_between_two_who_speak_the_same_tokens_pass_as_numbers "
        + E2E
        + "embeddings.py::test_tokens_as_numbers_are_refused_where_another_model_would_read_them",
    ),
)
