"""The services this simulator can stand in for. One more is one file and one line here."""

from earthward.simulator.vendors import openai
from earthward.simulator.vendors.vendor import Vendor

VENDORS: tuple[Vendor, ...] = (openai.VENDOR,)
