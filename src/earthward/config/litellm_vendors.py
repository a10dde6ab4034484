"""LiteLLM's names for services, and what they are here. Addresses and variables are those it uses by default.

Source: docs.litellm.ai/docs/providers.
"""

import msgspec


class Vendor(msgspec.Struct, frozen=True):
    """`kind` is ours; without `base_url` it must be stated, or is the kind's own. `key` is an environment variable.

    `settings` are the kind's own, by LiteLLM's names for them.
    """

    kind: str
    key: str | None = None
    base_url: str | None = None
    settings: tuple[tuple[str, str], ...] = ()


def _hosted(key: str, base_url: str) -> Vendor:
    return Vendor("openai_compatible", key, base_url)


SERVER = Vendor("openai_compatible")

VERTEX = Vendor("vertex", settings=(("vertex_project", "project"), ("vertex_location", "location")))

VENDORS: dict[str, Vendor] = {
    "openai": Vendor("openai", "OPENAI_API_KEY"),
    "anthropic": Vendor("anthropic", "ANTHROPIC_API_KEY"),
    "azure": Vendor("azure", "AZURE_API_KEY", settings=(("api_version", "api_version"),)),
    "gemini": Vendor("gemini", "GEMINI_API_KEY"),
    **dict.fromkeys(("vertex_ai", "vertex_ai_beta"), VERTEX),
    "ollama": Vendor("ollama"),
    "ollama_chat": Vendor("ollama"),
    **dict.fromkeys(("custom_openai", "docker_model_runner", "hosted_vllm", "litellm_proxy"), SERVER),
    **dict.fromkeys(("llamafile", "lm_studio", "openai_like"), SERVER),
    "cerebras": _hosted("CEREBRAS_API_KEY", "https://api.cerebras.ai/v1"),
    "deepinfra": _hosted("DEEPINFRA_API_KEY", "https://api.deepinfra.com/v1/openai"),
    "deepseek": _hosted("DEEPSEEK_API_KEY", "https://api.deepseek.com/v1"),
    "fireworks_ai": _hosted("FIREWORKS_AI_API_KEY", "https://api.fireworks.ai/inference/v1"),
    "groq": _hosted("GROQ_API_KEY", "https://api.groq.com/openai/v1"),
    "mistral": _hosted("MISTRAL_API_KEY", "https://api.mistral.ai/v1"),
    "nvidia_nim": _hosted("NVIDIA_NIM_API_KEY", "https://integrate.api.nvidia.com/v1"),
    "openrouter": _hosted("OPENROUTER_API_KEY", "https://openrouter.ai/api/v1"),
    "together_ai": _hosted("TOGETHERAI_API_KEY", "https://api.together.xyz/v1"),
    "xai": _hosted("XAI_API_KEY", "https://api.x.ai/v1"),
}

KNOWN = {
    *(
        "azure_ai",
        "bedrock",
        "cohere",
        "cohere_chat",
        "databricks",
        "github",
        "huggingface",
        "jina_ai",
        "perplexity",
        "predibase",
    ),
    *("replicate", "sagemaker", "sagemaker_chat", "text-completion-openai", "triton", "voyage", "watsonx"),
}
"""What else a model's name may begin with that is no part of it."""


def split(model: str) -> tuple[str | None, str]:
    """The service and the model there, from what LiteLLM calls a model; None where the name doesn't tell."""
    first, slash, rest = model.partition("/")
    if slash and first in VENDORS.keys() | KNOWN:
        return first, rest
    if model.startswith(("gpt-", "chatgpt-", "o1", "o3", "o4", "ft:gpt-")):
        return "openai", model
    return ("anthropic", model) if model.startswith("claude-") else (first if slash else None, model)
