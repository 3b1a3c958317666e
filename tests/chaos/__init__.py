"""Real processes, a real Redis, real sockets, and everything that can go wrong between them.

python -m tests.chaos [--small] [--only NAME …] [--report FILE]
"""
