"""Timers that report each run, and wait where the test tells them to."""

import asyncio

import azure.functions as func

app = func.FunctionApp()
runs: "asyncio.Queue[tuple[str, bool]]" = asyncio.Queue()
may_end = asyncio.Event()
may_end.set()


@app.timer_trigger(arg_name="timer", schedule="%EVERY%")
async def every(timer: func.TimerRequest) -> None:
    """Report a run, and wait while told to."""
    await runs.put(("every", timer.past_due))
    await may_end.wait()


@app.timer_trigger(arg_name="timer", schedule="0 0 3 1 1 *", run_on_startup=True, use_monitor=False)
async def yearly(timer: func.TimerRequest) -> None:
    """Report a run."""
    await runs.put(("yearly", timer.past_due))


@app.timer_trigger(arg_name="timer", schedule="0 0 4 1 1 *", use_monitor=False)
async def returning(timer: func.TimerRequest):
    """Report a run and break the worker's rule on return values."""
    await runs.put(("returning", timer.past_due))
    return "what no binding takes"
