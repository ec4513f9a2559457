"""Service Bus: the topic that user changes travel on."""
