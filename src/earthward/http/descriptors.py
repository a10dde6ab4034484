"""How many sockets this process may open."""

import resource


def raise_descriptor_limit(wanted: int = 1 << 20) -> int:
    """Raises the soft limit on open files as far as `wanted` and the hard limit allow; returns what it is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    goal = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= goal:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (goal, hard))
    except (OSError, ValueError):
        return soft
    return goal
