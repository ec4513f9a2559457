"""A Service Bus emulator: a broker of our own behind AMQP 1.0, for the real SDKs.

The parts, from the bottom: ``amqp`` (codec and protocol engine, no sockets), ``rules`` (subscription filters),
``broker`` (the state machine, given its clock), ``service`` (what Service Bus means by an AMQP link), and
``server`` (the sockets). Nothing here may know the app, and no state outlives the process.
"""
