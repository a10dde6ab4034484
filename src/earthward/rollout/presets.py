"""Plans that come with Earthward, as one would write them, to be used as they are or to begin from.

Gates that nothing measures on a route, such as `quality` where nobody judges, are set aside there.
"""

from collections.abc import Mapping
from typing import Any

PRESETS: Mapping[str, Mapping[str, Any]] = {
    # Pilots, 5 % for two weeks, a quarter, three quarters, all. The cloud stays as the emergency fallback.
    "playbook": {
        "stages": [
            {"share": "5%", "hold": "14d", "approval": True},
            {"share": "25%", "hold": "7d"},
            {"share": "75%", "hold": "7d"},
            "100%",
        ],
        "gates": ["error_rate", "wait", "truncated", "quality", "feedback"],
        "min_requests": 1000,
        "timeout": "28d",
        "bake": {"for": "14d", "holdback": "2%"},
        "cooldown": "1d",
        "warm_up": "5m",
    },
    # For traffic that brings its evidence within hours. Nobody compares answers here.
    "fast": {
        "stages": ["5%", "25%", "75%", "100%"],
        "gates": ["error_rate", "wait", {"truncated": {"role": "signal"}}],
        "min_requests": 200,
        "hold": "10m",
        "timeout": "1d",
        "bake": {"for": "1h", "holdback": "2%"},
        "cooldown": "10m",
        "warm_up": "1m",
    },
    "careful": {
        "stages": [{"shadow": "20%"}, "1%", "5%", "25%", "50%", {"share": "75%", "approval": True}, "100%"],
        "gates": [
            "error_rate",
            "wait",
            "quality",
            "refusal",
            {"truncated": {"role": "signal"}},
            {"feedback": {"role": "signal"}},
        ],
        "alpha": "2%",
        "certify_alpha": "2%",
        "min_requests": 1000,
        "hold": "7d",
        "timeout": "28d",
        "bake": {"for": "28d", "holdback": "5%"},
        "cooldown": "7d",
        "warm_up": "5m",
    },
}
