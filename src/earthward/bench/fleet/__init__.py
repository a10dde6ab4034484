"""A fleet of Ollama hosts on paper: the gateway's own balancing policies against hosts that load, queue and forget as
Ollama does, in simulated time. Seeded, so that every run prints the same figures."""
