"""How long prompts and answers may be, and what of them is cut."""

from earthward.dialects.gotchas.shown import DIALECTS, E2E, HOST, WRITE

GOTCHAS: tuple[tuple[int, str, str, str], ...] = (
    (
        1,
        "Long prompts are forgotten, and answers from documents get worse: what is too long is cut without a word",
        (
            "An Ollama is asked by its own API, never to cut, and with the target's `context`. What is too long is "
            "refused in the caller's words; a host that has cut a prompt all the same is found out by its own count."
        ),
        WRITE
        + "test_requests_that_differ_load_the_model_in_the_same_way "
        + E2E
        + "fleet.py::test_an_answer_to_a_prompt_that_the_host_has_cut_is_a_failure_and_on_record",
    ),
    (
        2,
        "`num_ctx` sent through OpenAI's SDK has no effect",
        "The target's `context` is sent as `num_ctx` with every request, whatever the caller's API.",
        WRITE
        + "test_requests_that_differ_load_the_model_in_the_same_way "
        + HOST
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
        + HOST
        + "test_gotchas_2_3_and_7_the_context_is_the_targets_and_nothing_is_cut_or_shifted",
    ),
    (
        4,
        "A model writes on and on: `max_completion_tokens` is ignored",
        (
            "`max_completion_tokens`, `max_tokens` and `max_output_tokens` become `num_predict`. A request that "
            "states none ends with its route's deadline, and with its caller: who leaves ends the answer."
        ),
        WRITE + "test_every_option_has_its_place " + HOST + "test_gotcha_4_every_word_for_the_longest_answer_is_heard",
    ),
    (
        5,
        "An answer ends with `length` and is empty: the model thought all the while",
        (
            "A model of which its host says that it can think, and can be stopped, thinks when it is asked to and not "
            "before: `think: false` is sent where the caller says nothing. Of others only what was asked is said. "
            "An answer that was cut says `length`."
        ),
        DIALECTS
        + "ollama_think.py::test_thinking_is_on_off_or_a_level_as_the_model_takes_it "
        + HOST
        + "test_gotcha_5_a_model_thinks_when_it_is_asked_to_and_not_before",
    ),
    (
        6,
        "Stop strings make a model run on: those of a request take the place of its Modelfile's",
        (
            "The model's own are added to those of the request, as soon as its hosts have shown them (`/api/show`). "
            "Who calls by Ollama's own API means to replace them, and does."
        ),
        WRITE
        + "test_stop_strings_join_those_of_the_modelfile "
        + E2E
        + "capabilities.py::test_gotcha_6_a_callers_stop_strings_leave_the_models_own_in_force",
    ),
    (
        7,
        "An answer goes on and loses the thread: what came first is shifted out of the context",
        "`shift: false` is sent with every request, always, since it belongs to how a model is loaded.",
        WRITE
        + "test_requests_that_differ_load_the_model_in_the_same_way "
        + HOST
        + "test_gotchas_2_3_and_7_the_context_is_the_targets_and_nothing_is_cut_or_shifted",
    ),
)
