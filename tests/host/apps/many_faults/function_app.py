"""Wrong in several places at once: every fault is to be told."""

from typing import List

import azure.functions as func

app = func.FunctionApp()


@app.function_name(name="9lives")
@app.timer_trigger(arg_name="timer", schedule="0 0 25 * * *")
def cat(timer: func.TimerRequest) -> None:
    """Have nine lives, which no function name may begin with."""


@app.service_bus_topic_trigger(
    arg_name="messages",
    topic_name="t",
    subscription_name="%NO_SUCH_SETTING%",
    connection="NoSuchBus",
    cardinality="many",
)
def batch(messages: List[func.ServiceBusMessage]) -> None:
    """Take messages from nowhere."""
