"""What the end-to-end tests, the crash harness and the benchmark share: starting servers, wire clients, comparison."""
