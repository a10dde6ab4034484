"""What the tests of a rollout are measured by: seeded simulations beside other rules and an oracle."""
