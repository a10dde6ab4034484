"""A whole migration on this machine: real tokens from the embedded engine, a simulated cloud, time compressed."""
