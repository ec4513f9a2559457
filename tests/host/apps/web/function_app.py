"""HTTP functions of every kind, for the tests of routes, keys and responses."""

import json

import azure.functions as func

app = func.FunctionApp()


@app.route(route="echo/{word}/{number:int?}", methods=["GET", "POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def echo(req: func.HttpRequest) -> func.HttpResponse:
    """Tell what the request was."""
    body = {
        "method": req.method,
        "params": dict(req.params),
        "route": dict(req.route_params),
        "header": req.headers.get("X-Word"),
        "body": req.get_body().decode(),
        "path": req.url.split("?", maxsplit=1)[0].rsplit("/", maxsplit=1)[-1],
    }
    return func.HttpResponse(json.dumps(body), status_code=201, mimetype="application/json", headers={"X-Seen": "yes"})


@app.route(route="echo/fixed", auth_level=func.AuthLevel.ANONYMOUS)
def echo_fixed(req: func.HttpRequest) -> str:
    """Answer where `echo` would match too."""
    return "the literal wins"


@app.route(auth_level=func.AuthLevel.FUNCTION)
def guarded(req: func.HttpRequest) -> str:
    """Answer holders of a function key."""
    return "in"


@app.route(auth_level=func.AuthLevel.ADMIN)
def inner(req: func.HttpRequest) -> str:
    """Answer holders of the master key."""
    return "inside"


@app.route(auth_level=func.AuthLevel.ANONYMOUS)
async def failing(req: func.HttpRequest) -> str:
    """Fail."""
    raise ValueError("a fault of the handler")


@app.route(auth_level=func.AuthLevel.ANONYMOUS)
async def wrong_type(req: func.HttpRequest):
    """Return what is no response."""
    return {"not": "a response"}


@app.route(auth_level=func.AuthLevel.ANONYMOUS)
async def nothing(req: func.HttpRequest):
    """Return nothing."""
    return


@app.route(auth_level=func.AuthLevel.ANONYMOUS)
async def cookies(req: func.HttpRequest) -> func.HttpResponse:
    """Set two cookies."""
    response = func.HttpResponse("sweet")
    response.headers.add("Set-Cookie", "a=1")
    response.headers.add("Set-Cookie", "b=2; Path=/")
    return response


@app.route(auth_level=func.AuthLevel.ANONYMOUS)
async def contextual(req: func.HttpRequest, context: func.Context) -> str:
    """Tell what the context holds."""
    return json.dumps(
        {
            "id": context.invocation_id,
            "name": context.function_name,
            "trace": context.trace_context.trace_parent,
            "retries": context.retry_context.retry_count,
        }
    )


@app.route(route="files/{*path}", auth_level=func.AuthLevel.ANONYMOUS)
async def files(req: func.HttpRequest) -> str:
    """Tell the rest of the path."""
    return req.route_params["path"]
