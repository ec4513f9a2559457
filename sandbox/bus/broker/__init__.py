"""The broker: queues, topics, locks, sessions and timers as a state machine, without sockets and without a clock.

Everything happens inside a call; what time brings happens in ``Broker.advance``.
"""
