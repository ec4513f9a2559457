"""The administrator's terminal. One module a command; floors below do the work."""
