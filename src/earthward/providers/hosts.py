"""Which hosts are known to be in the house by their name alone. Looks nothing up."""

import ipaddress

_PRIVATE = tuple(
    ipaddress.ip_network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
_CARRIERS = ipaddress.ip_network("2002::/16")
"""Addresses of IPv6 behind which stands one of IPv4, private or not."""
_GIVEN_OUT = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is given out to anybody. What lies outside is local, or carries an address of IPv4."""
_METADATA = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128", "fd20:ce::254/128", "100.100.100.200/32"),
        # Azure's, which looks like anybody's.
        "168.63.129.16/32",
    )
)
_VENDORS = (
    *("anthropic.com", "openai.com", "openai.azure.com", "googleapis.com", "ollama.com", "openrouter.ai"),
    *("cohere.com", "deepseek.com", "fireworks.ai", "groq.com", "mistral.ai", "perplexity.ai", "together.xyz", "x.ai"),
)
_METADATA_NAMES = frozenset({"metadata", "metadata.google.internal", "metadata.goog", "instance-data"})

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_local(host: str) -> bool:
    """Loopback, a private range, or a name without a dot. Anything else may be anywhere."""
    if is_metadata(host):
        return False
    address = address_of(host)
    if address is not None:
        return any(address in network for network in _PRIVATE)
    return "." not in host and is_name(host)


def is_vendor(host: str) -> bool:
    """Whether it is known to be a vendor's own: whatever is said about it, it is in the cloud."""
    name = f".{host.lower().rstrip('.')}"
    return name.endswith(tuple(f".{vendor}" for vendor in _VENDORS))


def is_loopback(host: str) -> bool:
    address = address_of(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def is_metadata(host: str) -> bool:
    """Whether it is where clouds keep a machine's credentials: nobody's model is there."""
    address = address_of(host)
    if address is not None:
        return any(address in network for network in _METADATA)
    return host.lower().rstrip(".") in _METADATA_NAMES


def is_public(address: str) -> bool:
    """Whether it is an address that anybody on the internet may ask, and that carries no other one inside."""
    found = address_of(address.partition("%")[0])
    if found is None or found in _CARRIERS or (found.version == 6 and found not in _GIVEN_OUT):
        return False
    return found.is_global and not found.is_multicast and not is_metadata(address)


def is_name(host: str) -> bool:
    """Whether it is a DNS name. One that ends in a number is none: resolvers take `2130706433` for an address."""
    labels = host.removesuffix(".").split(".")
    return len(host) <= 253 and all(map(_is_label, labels)) and not _is_number(labels[-1])


def address_of(host: str) -> Address | None:
    """The address it spells in the usual way, IPv4 within IPv6 taken out."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _is_label(label: str) -> bool:
    if not (0 < len(label) <= 63) or label[0] == "-" or label[-1] == "-":
        return False
    return label.isascii() and all(character.isalnum() or character in "-_" for character in label)


def _is_number(label: str) -> bool:
    return label.isdigit() or label.lower().startswith("0x")
