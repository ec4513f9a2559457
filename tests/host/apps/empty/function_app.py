"""An app without functions: it indexes, silently, and runs nothing."""

import azure.functions as func

app = func.FunctionApp()
