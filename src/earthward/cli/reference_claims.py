"""The page on what is often claimed of self-hosting, beside what is true."""

from earthward.cli.markdown import page, table
from earthward.sizing.claims import claims as all_claims
from earthward.sizing.speed import DECODE_ERROR, PROMPT_ERROR


def claims() -> str:
    rows = [(it.claim, it.truth, it.reason) for it in all_claims()]
    return page(
        "Common claims, checked",
        "earthward.sizing.claims",
        "What is often said of models on hardware of one's own, beside what the formulas of `earthward tco` say.",
        table(("Claim", "Truth", "Why"), rows),
        f"Speeds are estimates: of measurements on cards that were left out of the fit, nine in ten lie within "
        f"{DECODE_ERROR * 100:.0f} % for generating. Reading a prompt can't be told from a data sheet; there it is "
        f"{PROMPT_ERROR * 100:.0f} %. Measure before you buy.",
        "`earthward tco --preset playbook` prints the scenario with the workstation.",
    )
