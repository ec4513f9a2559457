"""A sync handler that never returns, to see that it cannot hold up the end of the host."""

import sys
import threading

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route()
def stuck(req: func.HttpRequest) -> str:
    """Say that it has begun, and never end."""
    sys.stdout.write("stuck\n")
    sys.stdout.flush()
    threading.Event().wait()
    return "never"
