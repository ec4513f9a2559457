"""AMQP 1.0 as a server speaks it, without sockets: bytes in, bytes out.

Knows the protocol and nothing of Service Bus; what a link *means* is given to it as nodes.
"""
