"""Two functions of one name: none of the app's functions appears."""

import azure.functions as func

app = func.FunctionApp()

for route in ("one", "two"):

    @app.function_name(name="same")
    @app.route(route=route)
    def handler(req: func.HttpRequest) -> str:
        """Never run: its name is taken."""
        return "never"
