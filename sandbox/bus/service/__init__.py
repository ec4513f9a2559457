"""Service Bus's meaning of AMQP links: which address is which node, and what each node does.

Translates between the engine in ``amqp`` and the state machine in ``broker``; holds no messages of its own.
"""
