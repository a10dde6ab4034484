"""Where a target is, which decides what may be sent to it."""

from earthward.config.models import Provider, Target
from earthward.config.snapshot import Zone
from earthward.dialects.ollama import is_cloud_model


def zone_of(target: Target, provider: Provider) -> Zone | None:
    """The zone of a target at this provider; None where the provider's is unknown.

    Whatever is not run by the gateway may be an Ollama, and that sends what is asked of a cloud model on to
    ollama.com, wherever it stands itself.
    """
    if not provider.its_kind.is_embedded and is_cloud_model(target.model):
        return "cloud"
    return provider.is_in
