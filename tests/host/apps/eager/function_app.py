"""Reads its environment while it is imported, so that a missing setting takes every function with it."""

import os

import azure.functions as func

GREETING = os.environ["GREETING"]

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route()
def greet(req: func.HttpRequest) -> str:
    """Answer with the setting."""
    return GREETING
