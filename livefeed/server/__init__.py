"""The server: a supervisor, its workers on one port, and the embedded store if it owns one."""
